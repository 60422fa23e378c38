"""Practice as a participant meets it on the pages."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Problem
from core.db.models.submissions import Submission
from core.db.session import reading, transaction
from tests import factories
from tests.unit.api.conftest import Login

HTML = {"Accept": "text/html"}
PAGE = "/competitions/contest"
FILE = {"file": ("mine.py", factories.SOURCE)}


@dataclass
class Reader:
    client: TestClient
    engine: Engine
    headers: dict[str, str]

    def read(self, path: str) -> str:
        return self.client.get(path, headers=self.headers).text

    def send(self, path: str, **form: str) -> tuple[int, str]:
        files = FILE if path.endswith("/submit") else None
        answer = self.client.post(path, data=form, files=files, headers=self.headers, follow_redirects=False)
        return answer.status_code, answer.headers.get("location", answer.text)

    def set(self, **values: int | str) -> None:
        with transaction(self.engine) as session:
            session.execute(update(Competition).values(**values))


@pytest.fixture
def ann(client: TestClient, engine: Engine, login: Callable[..., Login]) -> Reader:
    with transaction(engine) as session:
        factories.make_practice_phase(session, factories.make_competition(session, "contest", exposure="public"))
    return Reader(client, engine, login("ann").headers | HTML)


def test_the_competition_says_what_practice_is_and_leads_to_it(ann: Reader) -> None:
    text = ann.read(PAGE)
    assert f'href="{PAGE}/submit?practice=true"' in text
    assert "its authors see messages, tracebacks and what the code printed" in text
    assert 'value="true" checked' in ann.read(f"{PAGE}/submit?practice=true")
    assert 'value="false" checked' in ann.read(f"{PAGE}/submit")


def test_practice_on_another_problem_is_said_to_run_under_that_ones_limits(ann: Reader) -> None:
    with transaction(ann.engine) as session:
        spec = session.scalars(select(EvaluationSpec).join(Phase, Phase.spec_id == EvaluationSpec.id)).one()
        problem = session.get_one(Problem, spec.problem_id)
        own = problem.spec["evaluation"] | {"replicas": 777, "compute_budget": 0.33}
        problem.spec = problem.spec | {"evaluation": own}
        spec.body = spec.body | {"problem": problem.spec, "evaluation": own}
    assert "777 replicas for 33 % of one retraining" in " ".join(ann.read(PAGE).split())
    assert "it runs 777 times and may cost 33 % of one retraining" in ann.read(f"{PAGE}/submit")


def test_a_file_is_submitted_for_practice_and_then_for_real(ann: Reader) -> None:
    status, location = ann.send(f"{PAGE}/submit", practice="true", note="a try")
    assert status == 303
    text = ann.read(location)
    assert "Practice, on Handwritten digits." in text
    assert "Submit for real" in text
    status, second = ann.send(f"{location}/promote", key="once")
    assert (status, second != location) == (303, True)
    assert ann.send(f"{location}/promote", key="once") == (303, second)
    assert "Practice, on" not in ann.read(second)
    own = ann.read("/submissions")
    assert own.count(">practice</span>") == 1
    with reading(ann.engine) as session:
        assert sorted(session.scalars(select(Submission.purpose))) == ["practice", "ranked"]


def test_without_a_choice_a_file_counts(ann: Reader) -> None:
    assert ann.send(f"{PAGE}/submit")[0] == 303
    with reading(ann.engine) as session:
        assert session.scalars(select(Submission.purpose)).one() == "ranked"


def test_a_refused_form_keeps_the_choice(ann: Reader) -> None:
    ann.set(practice_concurrent_limit=1)
    ann.send(f"{PAGE}/submit", practice="true")
    status, text = ann.send(f"{PAGE}/submit", practice="true")
    assert (status, "practice submissions are not finished" in text, 'value="true" checked' in text) == (
        429,
        True,
        True,
    )


def test_who_used_up_the_contests_quota_may_still_practise(ann: Reader) -> None:
    ann.set(daily_limit=1)
    ann.send(f"{PAGE}/submit")
    assert "<button>Submit</button>" in ann.read(f"{PAGE}/submit")
    ann.set(practice_daily_limit=0)
    assert "<button disabled>Submit</button>" in ann.read(f"{PAGE}/submit")


def test_submitting_for_real_without_quota_is_said_on_the_page(ann: Reader) -> None:
    _, location = ann.send(f"{PAGE}/submit", practice="true")
    ann.set(daily_limit=1)
    ann.send(f"{PAGE}/submit")
    status, text = ann.send(f"{location}/promote")
    assert (status, 'role="alert"' in text, "UTC day are used" in text) == (429, True, True)
    assert "Submit for real" in text


@pytest.mark.parametrize(
    ("values", "state", "said"),
    [({"practice_daily_limit": 0}, "ready", "closed by the organizers"), ({}, "preparing", "being prepared")],
)
def test_practice_that_takes_nothing_is_said_and_not_offered(
    ann: Reader, values: dict[str, int], state: str, said: str
) -> None:
    ann.set(**values, title="The contest")
    with transaction(ann.engine) as session:
        session.execute(update(Phase).values(state=state))
    text = ann.read(PAGE)
    assert said in text
    assert "submit?practice=true" not in text


def test_without_a_practice_phase_no_page_speaks_of_one(ann: Reader) -> None:
    with transaction(ann.engine) as session:
        session.delete(session.scalars(select(Phase)).one())
    for path in (PAGE, f"{PAGE}/submit"):
        assert "racti" not in ann.read(path)


def test_organizers_see_practice_by_its_name_and_set_its_limits(ann: Reader, login: Callable[..., Login]) -> None:
    ann.send(f"{PAGE}/submit", practice="true")
    olga = Reader(ann.client, ann.engine, login("olga", "organizer").headers | HTML)
    text = olga.read(f"{PAGE}/organize/submissions")
    assert '<span class="tag">practice</span>' in text
    assert "Disqualify" not in text
    assert "Practice phase: ready, on Handwritten digits" in olga.read(f"{PAGE}/organize/settings")
    form = {"daily_limit": "9", "concurrent_limit": "5", "practice_daily_limit": "0", "reason": "a test"}
    assert olga.send(f"{PAGE}/organize/settings", **form, practice_concurrent_limit="3")[0] == 303
    assert 'id="practice_daily_limit" name="practice_daily_limit" type="number" min="0" max="100000" value="0"' in (
        olga.read(f"{PAGE}/organize/settings")
    )
