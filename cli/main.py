"""The `lacuna` command."""

import sys

from cli.show.console import print_contest_error
from cli.show.lazy import load
from core.domain.errors import ContestError


def run() -> None:
    """Load the commands (a wrong setting shows here first) and run one."""
    try:
        app = load("cli.app", "app")
    except ContestError as error:
        sys.exit(print_contest_error(error))
    app()


if __name__ == "__main__":
    run()
