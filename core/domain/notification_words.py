"""What people are told, in words: the same in a mail and in the inbox."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.domain.notifications import Event


def describe(event: Event, data: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, text, and the path of the page that it is about."""
    return WORDS[event](data)


def _describe_evaluation(data: Mapping[str, Any]) -> tuple[str, str, str]:
    verdict = str(data["verdict"]).replace("_", " ")
    text = f"{data['filename']}, submitted to {data['competition']}, ended: {verdict}."
    hint = f"\n{data['code']}: {data['hint']}" if data["code"] else ""
    return f"{data['filename']}: {verdict}", text + hint, f"/submissions/{data['submission_id']}"


def _describe_rejudged(data: Mapping[str, Any]) -> tuple[str, str, str]:
    old, new = (_tell(data[f"{which}verdict"], data[f"{which}score"]) for which in ("old_", ""))
    text = f"{data['filename']}, submitted to {data['competition']}, was evaluated again: {new}. It was: {old}."
    where = f"\nIts place on the {data['phase']} board may have changed. Why: {data['reason']}"
    return f"{data['filename']} was evaluated again", text + where, f"/submissions/{data['submission_id']}"


def _tell(verdict: str, score: float | None) -> str:
    words = verdict.replace("_", " ")
    return words if score is None else f"{words}, {score:.3f}"


def _describe_invitation(data: Mapping[str, Any]) -> tuple[str, str, str]:
    text = f"{data['invited_by']} invites you into the team {data['team']} in {data['competition']}."
    return f"An invitation from {data['team']}", text, f"/competitions/{data['competition']}/team"


def _describe_place(data: Mapping[str, Any]) -> tuple[str, str, str]:
    text = f"{data['team']} was {data['old_rank']} in {data['competition']} and is {data['new_rank']} now."
    return f"{data['team']} is {data['new_rank']} now", text, f"/competitions/{data['competition']}"


def _describe_announcement(data: Mapping[str, Any]) -> tuple[str, str, str]:
    return f"{data['competition']}: {data['title']}", str(data["text"]), f"/competitions/{data['competition']}"


def _describe_results(data: Mapping[str, Any]) -> tuple[str, str, str]:
    text = f"The final board of {data['title']} is published."
    return f"{data['competition']}: the results", text, f"/competitions/{data['competition']}/final"


def _describe_deadline(data: Mapping[str, Any]) -> tuple[str, str, str]:
    when = f"{datetime.fromisoformat(data['closes_at']):%Y-%m-%d %H:%M} UTC"
    text = f"{data['title']} takes no submissions after {when}."
    return f"{data['competition']} closes on {when}", text, f"/competitions/{data['competition']}"


def _describe_answer(data: Mapping[str, Any]) -> tuple[str, str, str]:
    text = f"{data['author']} answered in the thread “{data['title']}” of {data['competition']}."
    path = f"/competitions/{data['competition']}/discussion/{data['thread_id']}"
    return f"An answer in “{data['title']}”", text, path


WORDS = {
    Event.EVALUATION_FINISHED: _describe_evaluation,
    Event.EVALUATION_REJUDGED: _describe_rejudged,
    Event.TEAM_INVITED: _describe_invitation,
    Event.PLACE_LOST: _describe_place,
    Event.ANNOUNCEMENT_POSTED: _describe_announcement,
    Event.RESULTS_PUBLISHED: _describe_results,
    Event.DEADLINE_NEAR: _describe_deadline,
    Event.THREAD_ANSWERED: _describe_answer,
}
