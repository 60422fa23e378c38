"""`lacuna admin`: hidden data, and competitions on it."""

import typer

from cli.data_sets import data_set_app

admin_app = typer.Typer(no_args_is_help=True, help="Upload data sets, make competitions of problem files.")
admin_app.add_typer(data_set_app, name="data-set")
