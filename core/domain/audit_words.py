"""A deed of the audit log as a sentence: who did what to what, what was there before and after, and why."""

from collections.abc import Iterator, Mapping
from typing import Any

WORDS = {  # after the person's name; {it} is the object, other names are of the detail
    "alike.decide": "decided that the likeness of sources of {earlier_by} and {later_by} in {it} is {decision}",
    "announcement.edit": "edited an announcement of {it}",
    "announcement.withdraw": "withdrew the announcement “{title}” of {it}",
    "competition.add_image": "added the image “{alt}” to {it}",
    "competition.announce": "announced “{title}” on {it}",
    "competition.apply": "applied a file to {it}",
    "competition.cover": "chose the cover of {it}",
    "competition.overview": "wrote the overview of {it}",
    "competition.preview": "asked for a preview of {it}",
    "competition.remove_image": "removed the image “{alt}” of {it}",
    "competition.rules": "wrote version {version} of the rules of {it}",
    "competition.settings": "changed settings of {it}",
    "competition.state": "moved {it} from {from} to {to}",
    "data_set.add": "added {it}",
    "data_set.revoke": "revoked {it}",
    "discussion.close": "closed the thread “{title}” of {it}",
    "discussion.hide": "hid the thread “{title}” of {it}",
    "discussion.hide_post": "hid what {user} said in “{title}” of {it}",
    "discussion.pin": "pinned the thread “{title}” of {it}",
    "discussion.reopen": "opened the thread “{title}” of {it} again",
    "discussion.show": "showed the thread “{title}” of {it} again",
    "discussion.show_post": "showed again what {user} said in “{title}” of {it}",
    "discussion.unpin": "unpinned the thread “{title}” of {it}",
    "evaluation.cancel": "cancelled {it}",
    "evaluation.requeue": "sent the work of {it} out again",
    "flag.decide": "decided that the flag {flag} of {it} is {decision}",
    "node.activate": "let {it} work again",
    "node.add": "gave {it} a key",
    "node.drain": "drained {it}",
    "node.revoke": "revoked the key of {it}",
    "node.rotate": "gave {it} a new key in place of its old one",
    "platform.restore": "restored {it} from a backup taken at {taken_at}",
    "pools.retire": "retired pools of {it}",
    "private.propose": "proposed to publish the final board of {it}",
    "private.publish": "published the final board of {it}",
    "private.start": "started the private scoring of {it}",
    "quota.grant": "granted {amount} submissions to {team} in {it}",
    "rejudge.discard": "discarded {it}",
    "rejudge.pause": "paused {it}",
    "rejudge.promote": "promoted {it}",
    "rejudge.resume": "resumed {it}",
    "rejudge.start": "started {it} in {competition}",
    "submission.publish": "published {it} by {user}",
    "submission.disqualify": "disqualified {it} by {user}",
    "submission.reinstate": "reinstated {it} by {user}",
    "user.drop_factor": "removed the second factor of {it}",
    "user.import": "made {made} accounts from a file",
    "user.log_out": "ended every log-in and token of {it}",
    "user.reinstate": "reinstated {it}",
    "user.reset": "made a link for a new password of {it}",
    "user.role": "changed the role of {it}",
    "user.suspend": "suspended {it}",
}
SHORT = 40  # characters of a value


def tell(actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> str:
    it = subject.replace("/", " ", 1).replace("data_set", "data set")
    words = WORDS.get(action)
    deed = _fill(words, it, detail) if words else f"did {action} to {it}"
    changes = "; ".join(f"{name} {_write(before)} → {_write(after)}" for name, before, after in iter_changes(detail))
    reason = str(detail.get("reason") or "")
    return f"{actor} {deed}{f': {changes}' if changes else ''}.{f' Because: {reason}' if reason else ''}"


def iter_changes(detail: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Name, before, after: what a deed changed stands in its detail as pairs."""
    nested = detail.get("changes")
    for name, value in ({**detail, **nested} if isinstance(nested, Mapping) else detail).items():
        if isinstance(value, list) and len(value) == 2 and name not in ("pools", "problems", "submissions"):
            yield name.replace("_", " "), value[0], value[1]


def _fill(words: str, it: str, detail: Mapping[str, Any]) -> str:
    """Of an older entry something may be missing."""
    parts = [part.split("}") for part in words.split("{")[1:]]
    values = [it if name == "it" else str(detail.get(name, "something")) for name, _ in parts]
    return words.split("{")[0] + "".join(value + rest for value, (_, rest) in zip(values, parts, strict=True))


def _write(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"
