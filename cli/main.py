"""The `lacuna` command."""

import sys

from cli.show.console import print_contest_error, print_system_error
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
    except OSError as error:  # of the help, which is printed before any command begins: the disk behind stdout is full
        sys.exit(print_system_error(error))
    finally:
        settle_streams()


if __name__ == "__main__":
    run()
