"""The `lacuna` command."""

import sys

from cli.show.console import print_contest_error
from cli.show.lazy import load
from cli.show.streams import prepare_streams, settle_streams
from core.domain.errors import ContestError


def run() -> None:
    """Load the commands (a wrong setting shows here first) and run one."""
    prepare_streams()
    try:
        app = load("cli.app", "app")
        app()
    except ContestError as error:
        sys.exit(print_contest_error(error))
    finally:
        settle_streams()


if __name__ == "__main__":
    run()
