"""Lacuna from a notebook or a script: log in, submit a function or a file, wait, and read what came of it.

    import lacuna_client as lacuna

    site = lacuna.log_in("http://127.0.0.1:8400", name="ada")   # asks for the password
    entry = site.submit(unlearning, "digits")
    entry.wait()
    entry.score

docs/notebook.md walks through all of it. What fails raises a ContestError: one readable line, often with a `hint`.
"""

import getpass
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.credentials import Credentials, choose_server, save_credentials
from client.gathering import make_source
from client.http import LacunaClient
from client.progress import StageProgress
from client.waiting import wait_until_finished
from core.domain.errors import ContestError, InvalidInput, NotAuthenticated
from core.domain.intake.reading import read_submission

__all__ = ["ContestError", "Score", "Site", "Submission", "log_in", "make_source", "open_site"]

Row = dict[str, Any]
LABEL = "notebook"


@dataclass(frozen=True, slots=True)
class Score:
    """The score with the ends of its 95 % interval."""

    estimate: float
    low: float
    high: float


def log_in(url: str = "", *, name: str = "", password: str = "", token: str = "", keep: bool = True) -> "Site":
    """With a token, or with a name and its password, which is asked for when it is left out.

    Without either, whoever logged in last on this machine, here or with `lacuna login`. keep: with a name, the new
    token for the next time; a token that is given is never kept.
    """
    address, saved = choose_server(url or None)
    client = LacunaClient(address, token or (None if name else saved))  # what was saved may have expired
    if name:
        client.create_token(name, password or getpass.getpass(f"password of {name}: "), label=LABEL)
    if not client.token:
        raise NotAuthenticated("name an account, or give a token (made on the page of your account)")
    if keep and name:
        save_credentials(Credentials(url=client.url, token=client.token, name=name))
    site = Site(client)
    site.submissions()  # a token that does not work is told now, not at the end of a long cell
    return site


def open_site(url: str) -> "Site":
    """What is public: competitions and boards."""
    return Site(LacunaClient(url))


class Site:
    """One server, as one account. Lists of rows are plain: `pandas.DataFrame(site.leaderboard("digits"))`."""

    def __init__(self, client: LacunaClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"Site({self._client.url!r})"

    def competitions(self) -> list[Row]:
        return self._client.list_competitions()

    def limits(self, competition: str) -> Row:
        """What is left today: `left`, `running`, `resets_at`, …"""
        return self._client.get_limits(competition)

    def leaderboard(self, competition: str, *, as_of: str = "") -> list[Row]:
        """A row an entry, in the order of the board; `as_of` as it stood then."""
        return list(self._client.get_leaderboard(competition, as_of=as_of)["entries"])

    def accept_rules(self, competition: str) -> str:
        """Accept the rules as they are now, and give their text."""
        rules = self._client.get_rules(competition)
        if rules["must_accept"]:
            self._client.accept_rules(competition, rules["version"])
        return str(rules["text"])

    def submissions(self, count: int = 20) -> list["Submission"]:
        """One's newest."""
        return [Submission(self._client, row) for row in self._client.list_newest_submissions(count)]

    def submission(self, submission_id: str) -> "Submission":
        return Submission(self._client, self._client.get_submission(submission_id))

    def submit(
        self, what: Callable[..., Any] | str | Path, competition: str, *, note: str = "", practice: bool = False
    ) -> "Submission":
        """A function of this notebook, or the name of a .py, .ipynb or .zip file. What cannot run is refused here.

        practice: to the practice phase, where everything is shown and nothing is ranked.
        """
        name, content = _read(what)
        read_submission(name, content, limit_bytes=max(self.limits(competition)["upload_bytes"], len(content)))
        purpose = "practice" if practice else "ranked"
        return Submission(self._client, self._client.submit(competition, name, content, note=note, purpose=purpose))

    def compare(self, a: "Submission", b: "Submission") -> Row:
        """Whether b − a is more than noise (`conclusion`, `difference`), and all numbers of both (`metrics`)."""
        return self._client.compare(a.competition, a.id, b.id)


@dataclass
class Submission:
    """One submission as it was last seen; `refresh` and `wait` look again."""

    _client: LacunaClient = field(repr=False)
    state: Row = field(repr=False)

    def __repr__(self) -> str:
        score = f", {self.score.estimate:.3f}" if self.score else ""
        return f"Submission({self.filename!r} to {self.competition!r}: {self.verdict or self.status}{score})"

    @property
    def id(self) -> str:
        return str(self.state["id"])

    @property
    def competition(self) -> str:
        return str(self.state["competition"])

    @property
    def filename(self) -> str:
        return str(self.state["filename"])

    @property
    def phase(self) -> str:
        """public or practice"""
        return str(self.state["phase"])

    @property
    def status(self) -> str:
        """queued, running, finished, …"""
        return str(self.state["status"])

    @property
    def verdict(self) -> str | None:
        """How it ended: scored, over_budget, runtime_error, …; None before it has."""
        verdict: str | None = self.state["verdict"]
        return verdict

    @property
    def reason(self) -> str:
        """Why it was not scored, and what helps; empty if it was."""
        return " ".join(part for part in (self.state["reason"], self.state["hint"]) if part)

    @property
    def score(self) -> Score | None:
        found = self.state["score"]
        return Score(**found) if found else None

    @property
    def relative_runtime(self) -> float | None:
        """Cost of a run ÷ cost of retraining."""
        found: float | None = self.state["relative_runtime"]
        return found

    @property
    def page(self) -> str:
        return f"{self._client.url}/submissions/{self.id}"

    def refresh(self) -> "Submission":
        self.state = self._client.get_submission(self.id)
        return self

    def wait(self, timeout: float | None = None, *, quiet: bool = False) -> "Submission":
        """Until it has ended, with progress; being interrupted, or `timeout` seconds, end the waiting only."""
        with StageProgress(quiet=quiet) as progress:
            self.state = wait_until_finished(self._client, self.id, timeout=timeout, progress=progress)
        return self

    def scorecard(self) -> Row:
        """Every number, nested as docs/metric.md names them."""
        return self._client.get_scorecard(self.id)

    def metrics(self) -> list[Row]:
        """A row a metric: id, name, unit, value, standard_error, retrained, …"""
        return list(self.scorecard().get("metrics", []))

    def logs(self) -> str | None:
        """What the code printed; None on hidden problems, but for their practice phases."""
        log: str | None = self.refresh().state["log"]
        return log

    def promote(self) -> "Submission":
        """Submit the file of a practice submission for real; what is returned is the new submission."""
        return Submission(self._client, self._client.promote(self.id))

    def source(self) -> bytes:
        return self._client.get_source(self.id)

    def cancel(self) -> "Submission":
        self.state = self._client.cancel(self.id)
        return self


def _read(what: Callable[..., Any] | str | Path) -> tuple[str, bytes]:
    if not isinstance(what, str | Path):
        return "submission.py", make_source(what).encode()
    path = Path(what)
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}; give a function, or the name of a file") from None
