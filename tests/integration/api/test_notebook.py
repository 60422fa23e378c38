"""docs/notebook.md, followed literally against a real server."""

import re
from pathlib import Path
from typing import Any

import pytest

import lacuna_client as lacuna
from client.credentials import Credentials, save_credentials
from client.http import LacunaClient
from core.db.models.submissions import Submission
from core.db.session import transaction
from core.domain.errors import InvalidInput, NotAuthenticated
from tests import factories
from tests.integration.api.conftest import Site
from tests.scorecard_bodies import make_metric, make_scorecard_body

pytestmark = pytest.mark.integration

PAGE = Path(__file__).resolve().parents[3] / "docs" / "notebook.md"
PASSWORD = "correct horse battery"
METRIC = make_metric("ua", value=3.5, standard_error=0.1, retrained=14.1)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LACUNA_URL", "LACUNA_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: PASSWORD)


@pytest.fixture
def own(site: Site) -> lacuna.Site:
    """The account of the page, in a competition where it has one scored entry already."""
    with LacunaClient(site.url) as client:
        client.register("me", PASSWORD)
    with transaction(site.engine) as session:
        competition = factories.make_competition(session, "digits")
        competition.daily_limit = 10
    return lacuna.log_in(site.url, name="me", password=PASSWORD)


class Notebook:
    """Cells of the page, in one session; each is a file, so that the text of its functions is known."""

    def __init__(self, folder: Path, words: dict[str, str]) -> None:
        text = PAGE.read_text(encoding="utf-8")
        for old, new in words.items():
            assert old in text
            text = text.replace(old, new)
        self._cells = iter(re.findall(r"^## (.+?)\n.*?```python\n(.+?)```", text, re.MULTILINE | re.DOTALL))
        self._folder, self.names = folder, {"__name__": "notebook"}

    def run(self, title: str) -> dict[str, Any]:
        name, source = next(self._cells)
        assert name == title
        path = self._folder / f"{title}.py"
        path.write_text(source)
        exec(compile(source, str(path), "exec"), self.names)
        return self.names


def finish(site: Site, submission_id: str, score: float) -> None:
    with transaction(site.engine) as session:
        row = session.get_one(Submission, submission_id)
        values = {"score": score, "score_low": score - 0.03, "score_high": score + 0.03, "relative_runtime": 0.05}
        evaluation = factories.make_evaluation(session, row, verdict="scored", log="epoch 1", **values)
        factories.make_scorecard(session, evaluation, make_scorecard_body(score) | {"metrics": [METRIC]})


def test_the_page_works_as_it_is_printed(site: Site, own: lacuna.Site, tmp_path: Path) -> None:
    with LacunaClient(site.url) as client:
        token = client.create_token("me", PASSWORD)
    notebook = Notebook(tmp_path, {"http://127.0.0.1:8400": site.url, "lct_…": token})
    first = own.submit(write(tmp_path, "first.py"), "digits")
    finish(site, first.id, 0.2)
    notebook.run("Log in")
    notebook.run("Look around")
    names = notebook.run("Submit the function of a cell")
    entry: lacuna.Submission = names["entry"]
    assert b"def repair" in entry.source()
    assert entry.verdict is None
    finish(site, entry.id, 0.5)
    names = notebook.run("Wait and read")
    assert repr(entry) == "Submission('submission.py' to 'digits': scored, 0.500)"
    assert entry.score == lacuna.Score(0.5, 0.47, 0.53)
    assert entry.logs() == "epoch 1"
    names = notebook.run("Compare")
    assert names["found"]["difference"] == pytest.approx(0.3)
    board = own.leaderboard("digits")
    assert [row["score"] for row in board] == [0.5]


def write(folder: Path, name: str, text: str = "def unlearning(net, a, b, c):\n    return net\n") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_what_cannot_run_is_refused_before_it_is_sent(own: lacuna.Site, tmp_path: Path) -> None:
    with pytest.raises(lacuna.ContestError, match="defines no function unlearning"):
        own.submit(write(tmp_path, "bad.py", "x = 1\n"), "digits")
    with pytest.raises(InvalidInput, match="cannot read nothing"):
        own.submit("nothing.py", "digits")
    assert own.submissions() == []
    assert own.limits("digits")["left"] == 10


def test_a_token_that_does_not_work_is_told_at_once(site: Site, own: lacuna.Site) -> None:
    with pytest.raises(NotAuthenticated):
        lacuna.log_in(site.url, token="lct_nothing")


def test_a_name_logs_in_whatever_token_was_saved_before(site: Site, own: lacuna.Site) -> None:
    save_credentials(Credentials(url=site.url, token="lct_expired", name="me"))
    assert lacuna.log_in(site.url, name="me", password=PASSWORD).submissions() == []
    assert lacuna.log_in(site.url).submissions() == []  # the new one was kept


def test_nobody_is_logged_in_without_a_name_or_a_token(site: Site) -> None:
    with pytest.raises(NotAuthenticated, match="name an account"):
        lacuna.log_in(site.url)


def test_what_is_public_needs_no_account(site: Site, own: lacuna.Site) -> None:
    public = lacuna.open_site(site.url)
    assert [row["slug"] for row in public.competitions()] == ["digits"]
    assert public.leaderboard("digits") == []


def test_a_submission_can_be_withdrawn(own: lacuna.Site, tmp_path: Path) -> None:
    entry = own.submit(write(tmp_path, "a.py"), "digits")
    assert entry.cancel().refresh().status in ("cancelling", "finished")
    assert own.submission(entry.id).id == own.submissions()[0].id


def test_a_file_is_practised_and_then_submitted_for_real(site: Site, own: lacuna.Site, tmp_path: Path) -> None:
    with transaction(site.engine) as session:
        factories.make_practice_phase(session, factories.make_competition(session, "hidden", exposure="public"))
    trial = own.submit(write(tmp_path, "a.py"), "hidden", practice=True)
    entry = trial.promote()
    assert (trial.phase, entry.phase, entry.source()) == ("practice", "public", trial.source())
    assert (trial.logs(), entry.logs()) == ("", None)
