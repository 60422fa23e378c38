"""What the commands that talk to a server share."""

import re

from client.credentials import choose_server
from client.http import LacunaClient
from core.domain.errors import NotFound

SHOWN_LETTERS = 8
SHORTENED = re.compile(r"[0-9a-f-]{4,35}")  # the beginning or, better, the end of an ID


def shorten_id(whole: str) -> str:
    """The end of an id, which is drawn at random: every command takes it in place of the whole."""
    return whole[-SHOWN_LETTERS:]


def open_client(url: str) -> LacunaClient:
    address, token = choose_server(url or None)
    return LacunaClient(address, token)


def choose_competition(client: LacunaClient, slug: str) -> str:
    """The named competition, or the only one there is."""
    if slug:
        return slug
    slugs = [str(item["slug"]) for item in client.list_competitions()]
    if len(slugs) == 1:
        return slugs[0]
    if not slugs:
        raise NotFound(f"{client.url} has no competition yet")
    raise NotFound(f"name one of the competitions: {', '.join(slugs)}")


def choose_any_submission(client: LacunaClient, named: str) -> str:
    """For staff: of everybody's, on boards or off them, the only one with this beginning or end."""
    if SHORTENED.fullmatch(named) is None:
        return named
    boards = (client.get_leaderboard(str(item["slug"])) for item in client.list_competitions())
    known = {str(entry["submission_id"]) for board in boards for entry in board["entries"]}
    known |= {entry["subject"].removeprefix("submission/") for entry in _list_disqualified(client)}
    found = _match(sorted(known), named)
    if len(found) != 1:
        raise NotFound(f"{len(found) or 'none'} of the submissions on boards begin or end with {named!r}")
    return found[0]


def _list_disqualified(client: LacunaClient) -> list[dict[str, str]]:
    return list(client.list_audit(action="submission.disqualify")["items"])


def _match(known: list[str], named: str) -> list[str]:
    return [each for each in known if each.startswith(named) or each.endswith(named)]


def choose_submission(client: LacunaClient, named: str) -> str:
    """The named submission, the only one of one's own with this beginning or end, or without a name the newest."""
    if named and SHORTENED.fullmatch(named) is None:
        return named
    own = [str(item["id"]) for item in (client.list_submissions() if named else client.list_newest_submissions(1))]
    found = _match(own, named)
    if len(found) == 1:
        return found[0]
    if not named:
        raise NotFound("nothing submitted yet; `lacuna submit FILE` does")
    raise NotFound(
        f"{len(found) or 'none'} of your submissions begin or end with {named!r}; `lacuna submissions` lists them"
    )
