"""Every command of `lacuna`, in the order of its help."""

import typer

from cli.accounts import login, register
from cli.contests import announcements, competitions, leaderboard, limits
from cli.doctor import doctor
from cli.evaluate import evaluate
from cli.finals import select
from cli.late import LateGroup, list_late_commands
from cli.organize import organize_app
from cli.problems import problem_app
from cli.rules import rules
from cli.starter import init
from cli.submissions import cancel, logs, source, status, submissions, submit
from cli.team import team_app
from cli.validate import validate

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
    "A server": (register, login, competitions, submit, status, submissions, logs, source, cancel, leaderboard, limits),
    "A competition": (rules, announcements, select),
}.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(problem_app, name="problem", rich_help_panel="This machine")
app.add_typer(team_app, name="team", rich_help_panel="A server")
app.add_typer(organize_app, name="organize", rich_help_panel="Organizers")
