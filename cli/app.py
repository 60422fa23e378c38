"""Every command of `lacuna`, in the order of its help."""

import typer

from cli.account import account_app
from cli.accounts import login, register
from cli.admin import admin_app
from cli.apply import apply, configured, export
from cli.compare import compare
from cli.contests import announcements, competitions, leaderboard, limits
from cli.data_sets import data_set_app
from cli.doctor import doctor
from cli.evaluate import evaluate
from cli.finals import select
from cli.late import LateGroup, list_late_commands
from cli.notify import notify_app
from cli.organize import organize_app
from cli.pools import pools_app
from cli.preview import preview
from cli.problems import problem_app
from cli.rejudge import rejudge_app
from cli.rules import rules
from cli.runtime import runtime
from cli.starter import init
from cli.submissions import cancel, logs, promote, source, status, submissions, submit
from cli.team import team_app
from cli.validate import validate

admin_app.add_typer(data_set_app, name="data-set")
admin_app.add_typer(pools_app, name="pools")
admin_app.command()(apply)
admin_app.command()(export)
admin_app.command()(preview)
admin_app.command("competitions")(configured)
app = typer.Typer(
    cls=LateGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Lacuna: competitions in machine unlearning. Exit codes: docs/cli.md.",
)

list_late_commands(app)
for panel, commands in {
    "This machine": (init, validate, doctor, evaluate),
    "A server": (
        *(register, login, competitions, submit, promote, status, submissions, compare, logs, source, cancel),
        *(leaderboard, limits, runtime),
    ),
    "A competition": (rules, announcements, select),
}.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(problem_app, name="problem", rich_help_panel="This machine")
app.add_typer(team_app, name="team", rich_help_panel="A server")
app.add_typer(account_app, name="account", rich_help_panel="A server")
app.add_typer(notify_app, name="notify", rich_help_panel="A server")
app.add_typer(organize_app, name="organize", rich_help_panel="Organizers")
app.add_typer(admin_app, name="admin", rich_help_panel="Organizers")
app.add_typer(rejudge_app, name="rejudge", rich_help_panel="Organizers")
