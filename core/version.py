"""Which release this is: what two machines that work together must agree on."""

import importlib.metadata


def find_version() -> str:
    try:
        return importlib.metadata.version("lacuna")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"
