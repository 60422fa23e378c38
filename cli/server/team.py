"""`lacuna team`: with whom one competes."""

from typing import Annotated, Any

import typer

from cli.show.console import print_json, print_line
from cli.show.numbers import show_count
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import choose_competition, open_client
from client.http import LacunaClient
from core.domain.errors import NotFound

team_app = typer.Typer(no_args_is_help=True, help="Make a team, invite, join, leave.")
Slug = Annotated[
    str, typer.Option("--competition", "-c", help="May be left out if there is only one.", show_default=False)
]
JSON = dict[str, Any]


@team_app.command()
def show(competition: Slug = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show one's team, and who invited one."""
    with open_client(url) as client:
        own = client.get_own_team(choose_competition(client, competition))
    if as_json:
        print_json(own)
        return
    _print_team(own["team"])
    for invite in own["invites"]:
        print_line(f"invited by {invite['team']}: lacuna team accept '{invite['team']}'")


@team_app.command()
def create(name: str, competition: Slug = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Make a team of one under a name of its own."""
    with open_client(url) as client:
        _print_team(client.create_team(choose_competition(client, competition), name), as_json=as_json)


@team_app.command()
def rename(name: str, competition: Slug = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Give one's team another name."""
    with open_client(url) as client:
        _print_team(client.rename_team(_find_team(client, competition)["id"], name), as_json=as_json)


@team_app.command()
def invite(user: str, competition: Slug = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Invite an account; the leader of another team is offered to merge the two."""
    with open_client(url) as client:
        _print_team(client.invite_to_team(_find_team(client, competition)["id"], user), as_json=as_json)


@team_app.command()
def accept(team: str, competition: Slug = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Join a team that invited one; a leader brings their whole team along."""
    with open_client(url) as client:
        _print_team(client.accept_invite(_find_invite(client, competition, team)["id"]), as_json=as_json)


@team_app.command()
def decline(team: str, competition: Slug = "", url: UrlOption = "") -> None:
    """Turn an invitation down."""
    with open_client(url) as client:
        client.decline_invite(_find_invite(client, competition, team)["id"])
    print_line(f"the invitation of {team} is declined")


@team_app.command()
def leave(competition: Slug = "", url: UrlOption = "") -> None:
    """Leave; what was submitted stays with the team."""
    with open_client(url) as client:
        team = _find_team(client, competition)
        client.leave_team(team["id"])
    print_line(f"you left {team['name']}")


def _find_team(client: LacunaClient, competition: str) -> JSON:
    team: JSON | None = client.get_own_team(choose_competition(client, competition))["team"]
    if team is None:
        raise NotFound("you are in no team yet: make one with `lacuna team create NAME`, or submit")
    return team


def _find_invite(client: LacunaClient, competition: str, team: str) -> JSON:
    invites = client.get_own_team(choose_competition(client, competition))["invites"]
    for found in invites:
        if found["team"] == team:
            return dict(found)
    raise NotFound(f"no invitation from {team!r}")


def _print_team(team: JSON | None, *, as_json: bool = False) -> None:
    if as_json:
        print_json(team)
        return
    if team is None:
        print_line("no team yet; submitting makes one of you alone")
        return
    names = [member["name"] + (" (leader)" if member["is_leader"] else "") for member in team["members"]]
    print_line(f"{team['name']}: {', '.join(names)}; {show_count(team['submissions'], 'ranked submission')}")
    for waiting in team["invites"]:
        print_line(f"  {waiting['user']} has not answered")
