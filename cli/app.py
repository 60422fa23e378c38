"""Every command of `lacuna`, in the order of its help."""

from typing import Annotated

import typer

from cli.here.doctor import doctor
from cli.here.evaluate import evaluate
from cli.here.node import node_app
from cli.here.pool_cards import pool_app
from cli.here.problems import problem_app
from cli.here.starter import init
from cli.here.validate import validate
from cli.late import LateGroup, list_late_commands
from cli.server.account import account_app
from cli.server.compare import compare
from cli.server.competitions import announcements, competitions, leaderboard, limits
from cli.server.discussion import discussion
from cli.server.finals import select
from cli.server.inbox import inbox
from cli.server.log_in import login, logout, register, whoami
from cli.server.notify import notify_app
from cli.server.rules import rules
from cli.server.runtime import runtime
from cli.server.submissions import cancel, logs, note, promote, source, status, submissions, submit
from cli.server.team import team_app
from cli.show.console import print_version
from cli.staff.apply import apply, configured, export
from cli.staff.data_sets import data_set_app
from cli.staff.nodes import node_key_app
from cli.staff.operations import admin_app
from cli.staff.organize import organize_app
from cli.staff.pools import pools_app
from cli.staff.preview import preview
from cli.staff.rejudge import rejudge_app

admin_app.add_typer(data_set_app, name="data-set")
admin_app.add_typer(pools_app, name="pools")
admin_app.add_typer(node_key_app, name="node")
admin_app.command()(apply)
admin_app.command()(export)
admin_app.command()(preview)
admin_app.command("competitions")(configured)
app = typer.Typer(
    cls=LateGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Lacuna: competitions in machine unlearning. Exit codes: docs/cli.md.",
)


@app.callback()
def begin(
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version.", is_eager=True, callback=print_version)
    ] = False,
) -> None:
    """Lacuna: competitions in machine unlearning. Exit codes: docs/cli.md."""


list_late_commands(app)
list_late_commands(admin_app, "admin")
for panel, commands in {
    "This machine": (init, validate, doctor, evaluate),
    "A server": (
        *(register, login, whoami, logout, competitions),
        *(submit, promote, status, submissions, compare, logs, note, source, cancel),
        *(leaderboard, limits, runtime, inbox),
    ),
    "A competition": (rules, announcements, discussion, select),
}.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(problem_app, name="problem", rich_help_panel="This machine")
app.add_typer(pool_app, name="pool", rich_help_panel="This machine")
app.add_typer(node_app, name="node", rich_help_panel="This machine")
app.add_typer(team_app, name="team", rich_help_panel="A server")
app.add_typer(account_app, name="account", rich_help_panel="A server")
app.add_typer(notify_app, name="notify", rich_help_panel="A server")
app.add_typer(organize_app, name="organize", rich_help_panel="Organizers")
app.add_typer(admin_app, name="admin", cls=LateGroup, rich_help_panel="Organizers")
app.add_typer(rejudge_app, name="rejudge", rich_help_panel="Organizers")
