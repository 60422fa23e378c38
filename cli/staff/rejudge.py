"""`lacuna rejudge`: evaluate submissions again, look at what it would change, and let it count or not."""

from typing import Annotated, Any

import typer

from cli.show.console import print_answer, print_json, print_line
from cli.show.options import Because, JsonOption, UrlOption
from cli.show.remote import choose_competition, open_client
from cli.show.tables import print_table
from core.domain.durations import show_duration
from core.domain.rejudge import RejudgeState
from core.domain.submission import Verdict

rejudge_app = typer.Typer(no_args_is_help=True, help="Evaluate submissions again, compare, promote or discard.")
CompetitionOption = Annotated[
    str, typer.Option("-c", "--competition", help="Which one, if there are several.", show_default=False)
]
VerdictOption = Annotated[
    list[Verdict] | None, typer.Option("--verdict", help="Only what ended so; may be repeated.", show_default=False)
]
SubmissionOption = Annotated[
    list[str] | None, typer.Option("--submission", help="Only this one; may be repeated.", show_default=False)
]
PrivateOption = Annotated[bool, typer.Option("--private", help="What the finalists scored in the private phase.")]


@rejudge_app.command()
def plan(
    competition: CompetitionOption = "",
    private: PrivateOption = False,
    verdict: VerdictOption = None,
    submission: SubmissionOption = None,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """A dry run: how many evaluations, what they may cost, whom they concern."""
    with open_client(url) as client:
        slug = choose_competition(client, competition)
        answer = client.preview_rejudge(_make_scope(slug, private, verdict, submission))
    if as_json:
        print_json(answer)
        return
    seconds = answer["cpu_seconds"]
    cost = "unknown" if seconds is None else show_duration(seconds)
    print_line(f"{answer['evaluations']} evaluations, {answer['replicas']} replicas, processor time {cost}")
    print_line(", ".join(f"{count} {name}" for name, count in answer["verdicts"].items()))
    print_table(("team", "submissions"), ((item["team"], item["submissions"]) for item in answer["teams"]))


@rejudge_app.command()
def start(
    because: Because,
    competition: CompetitionOption = "",
    private: PrivateOption = False,
    verdict: VerdictOption = None,
    submission: SubmissionOption = None,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Evaluate them again in the background, aside from the board; participants read why after a promotion."""
    with open_client(url) as client:
        scope = _make_scope(choose_competition(client, competition), private, verdict, submission)
        answer = client.start_rejudge(scope, because)
    _print_rejudge(answer, as_json)


@rejudge_app.command("list")
def list_rejudges(competition: CompetitionOption = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show all rejudges, newest first."""
    with open_client(url) as client:
        answer = client.list_rejudges(competition)
    if as_json:
        print_json(answer)
        return
    rows = (
        (
            item["id"],
            item["competition"],
            item["state"],
            f"{item['finished']} of {item['evaluations']}",
            item["started_by"],
            item["reason"],
        )
        for item in answer["items"]
    )
    print_table(("rejudge", "competition", "state", "ended", "by", "because"), rows)


@rejudge_app.command()
def show(rejudge: str, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show how far a rejudge is."""
    with open_client(url) as client:
        answer = client.get_rejudge(rejudge)
    _print_rejudge(answer, as_json)


@rejudge_app.command()
def compare(rejudge: str, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show the board before and after, as it would be."""
    with open_client(url) as client:
        answer = client.compare_rejudge(rejudge)
    if as_json:
        print_json(answer)
        return
    rows = (
        (
            move["name"],
            move["filename"],
            _tell_rank(move["old"]),
            _tell_rank(move["new"]),
            _tell_score(move["old"]),
            _tell_score(move["new"]),
            {True: "yes", False: "no", None: "–"}[move["overlaps"]],
        )
        for move in answer["ranking"]
    )
    print_table(("name", "file", "rank", "new rank", "score", "new score", "intervals overlap"), rows)
    kept = [item for item in answer["evaluations"] if item["new"] and not item["replaces"]]
    for item in kept:
        print_line(f"{item['submission_id']} by {item['name']} keeps its old result: it ended {item['new']['verdict']}")


@rejudge_app.command()
def promote(rejudge: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Let the new evaluations count; the old ones stay as history."""
    with open_client(url) as client:
        row = client.decide_rejudge(rejudge, "promote", because)
    print_answer(
        row,
        f"{row['id']} is {row['state']}: its {row['evaluations']} evaluations count on {row['competition']}",
        as_json=as_json,
    )


@rejudge_app.command()
def discard(rejudge: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Leave everything as it is; what still runs is cancelled."""
    with open_client(url) as client:
        row = client.decide_rejudge(rejudge, "discard", because)
    print_answer(row, f"{row['id']} is {row['state']}; nothing changed on {row['competition']}", as_json=as_json)


@rejudge_app.command()
def pause(rejudge: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Let what of it was not begun wait; what was begun ends."""
    with open_client(url) as client:
        row = client.decide_rejudge(rejudge, "pause", because)
    left = row["evaluations"] - row["finished"]
    print_answer(
        row,
        f"{row['id']} is {row['state']}; {left} of its {row['evaluations']} evaluations have not ended",
        as_json=as_json,
    )


@rejudge_app.command()
def resume(rejudge: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Go on with what waits."""
    with open_client(url) as client:
        row = client.decide_rejudge(rejudge, "resume", because)
    print_answer(row, f"{row['id']} is {row['state']}", as_json=as_json)


def _make_scope(
    competition: str, private: bool, verdicts: list[Verdict] | None, submissions: list[str] | None
) -> dict[str, Any]:
    return {
        "competition": competition,
        "phase": "private" if private else "public",
        "verdicts": list(verdicts or ()),
        "submissions": submissions or [],
    }


def _print_rejudge(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    done = f"{answer['finished']} of {answer['evaluations']} evaluations ended"
    replicas = f"{answer['finished_replicas']} of {answer['replicas']} replicas"
    print_line(f"{answer['id']} of {answer['competition']} is {answer['state']}: {done}, {replicas}")
    if answer["state"] == RejudgeState.RUNNING and answer["is_complete"]:
        print_line("everything has ended: compare, then promote or discard")


def _tell_rank(standing: dict[str, Any] | None) -> str:
    return "–" if standing is None or standing["rank"] is None else str(standing["rank"])


def _tell_score(standing: dict[str, Any] | None) -> str:
    if standing is None:
        return "–"
    if standing["score"] is None:
        return str(standing["verdict"])
    if standing["low"] is None or standing["high"] is None:
        return f"{standing['score']:.3f}"
    return f"{standing['score']:.3f} ({standing['low']:.3f} to {standing['high']:.3f})"
