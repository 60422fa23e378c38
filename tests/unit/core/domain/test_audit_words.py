import re
from pathlib import Path

import pytest

from core.domain.audit_words import WORDS, tell


@pytest.mark.parametrize(
    ("action", "subject", "detail", "sentence"),
    [
        (
            "competition.state",
            "competition/digits",
            {"from": "open", "to": "frozen", "reason": "the end"},
            "olga moved competition digits from open to frozen. Because: the end",
        ),
        (
            "competition.settings",
            "competition/digits",
            {"daily_limit": [5, 9], "closes_at": [None, "2026-12-01T00:00:00+00:00"], "reason": "fair"},
            "olga changed settings of competition digits: daily limit 5 → 9; closes at none → "
            "2026-12-01T00:00:00+00:00. Because: fair",
        ),
        (
            "competition.apply",
            "competition/digits",
            {"effect": "change", "changes": {"pools.replicas": [64, 128]}},
            "olga applied a file to competition digits: pools.replicas 64 → 128.",
        ),
        ("quota.grant", "competition/d", {"team": "t {it}", "amount": 3, "reason": "x"},
         "olga granted 3 submissions to t {it} in competition d. Because: x"),
        ("private.start", "competition/d", {"submissions": ["a", "b"]},
         "olga started the private scoring of competition d."),
        ("competition.state", "competition/d", {}, "olga moved competition d from something to something."),
        ("later.deed", "node/n1", {"reason": "new"}, "olga did later.deed to node n1. Because: new"),
    ],
    ids=range(7),
)  # fmt: skip
def test_a_deed_reads_as_a_sentence(action: str, subject: str, detail: dict[str, object], sentence: str) -> None:
    assert tell("olga", action, subject, detail) == sentence


def test_every_recorded_action_has_its_words() -> None:
    text = "".join(path.read_text() for folder in ("api", "core") for path in Path(folder).rglob("*.py"))
    pattern = r"(?:_record\(session, caller, |action=|^ACTOR, ACTION, .* = .*, )\"([a-z_]+\.[a-z_]+)\""
    recorded = set(re.findall(pattern, text, re.MULTILINE))
    assert len(recorded) > 20
    assert recorded - set(WORDS) == set()
