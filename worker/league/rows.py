"""What a league keeps of each method, in a file of its own, so that a league goes on where it was stopped."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from core.domain.submission import Verdict
from core.problems import ProblemSpec
from core.scorecard import ScorecardRecord, UnreadableScorecard, parse_scorecard
from evaluator import METRIC_VERSION

KEY_LETTERS = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """A method as it enters: its files, or why it cannot."""

    name: str
    files: Mapping[str, bytes]
    refusal: str = ""

    @property
    def digest(self) -> str:
        body = hashlib.sha256()
        for name in sorted(self.files):
            body.update(f"{len(name)}:{name}{len(self.files[name])}:".encode() + self.files[name])
        return body.hexdigest()


class LeagueRow(BaseModel):
    """One method under one problem and request, with one number of replicas."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source_digest: str
    problem_digest: str
    replicas: int
    sandbox: str
    metric_version: str
    verdict: Verdict
    code: str = ""
    reason: str = ""
    seconds: float
    report: str = ""  # file name beside the league's own
    scorecard: dict[str, Any] | None = None

    @property
    def record(self) -> ScorecardRecord | None:
        return None if self.scorecard is None else parse_scorecard(self.scorecard)

    @property
    def is_scored(self) -> bool:
        return self.scorecard is not None


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where the row of an entry lies: another source, problem, request, metric or count of replicas is another row."""

    folder: Path
    entry: Entry
    spec: ProblemSpec
    replicas: int
    sandbox: str

    @property
    def stem(self) -> str:
        parts = (self.entry.digest, self.spec.digest, str(self.replicas), self.sandbox, METRIC_VERSION)
        key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:KEY_LETTERS]
        name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in self.entry.name)
        return f"{name[:80]}-{key}"

    @property
    def path(self) -> Path:
        return self.folder / "rows" / f"{self.stem}.json"

    @property
    def report(self) -> str:
        return f"reports/{self.stem}.html"

    def load(self) -> LeagueRow | None:
        """None if it has not run, or its file cannot be read, or it ended by a fault of the platform."""
        try:
            row = LeagueRow.model_validate_json(self.path.read_text(encoding="utf-8"))
            row.record  # noqa: B018  (raises where the scorecard is of no form that this release reads)
        except (OSError, ValueError, ValidationError, UnreadableScorecard):
            return None
        return None if row.verdict is Verdict.PLATFORM_ERROR else row

    def store(self, row: LeagueRow) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        body = json.dumps(row.model_dump(mode="json"), indent=1)
        part = self.path.with_suffix(".part")
        part.write_text(body, encoding="utf-8")
        part.replace(self.path)
