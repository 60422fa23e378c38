"""Options and arguments that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

from cli.show.files import find_upload

FILE_HELP = "A .py file, a .ipynb notebook, a .zip, or the folder that `lacuna init` made."
FileArgument = Annotated[Path, typer.Argument(help=FILE_HELP, show_default=False, callback=find_upload)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
UrlOption = Annotated[
    str, typer.Option("--url", help="The server (LACUNA_URL; default: where you logged in).", show_default=False)
]
SlugArgument = Annotated[
    str, typer.Argument(metavar="[COMPETITION]", help="Or -c NAME; none if there is only one.", show_default=False)
]
Because = Annotated[str, typer.Option("--because", help="Why; it is kept, and shown to the author.", prompt="because")]
