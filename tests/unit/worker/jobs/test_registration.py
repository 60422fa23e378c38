import pytest
from sqlalchemy import select

from core.db.models.contests import Competition
from core.db.models.problems import Problem
from core.db.session import reading, transaction
from core.registration import register_competition
from tests.unit.worker.conftest import Platform, make_spec
from worker.jobs import preparation


def register(platform: Platform, *, draft: bool = False, epochs: int = 2) -> Competition:
    spec = make_spec()
    spec = spec.model_copy(update={"recipe": spec.recipe.model_copy(update={"epochs": epochs})})
    with transaction(platform.engine) as session:
        return register_competition(session, spec, draft=draft)


def test_a_draft_stays_one_and_trains_nothing_until_it_is_let_out(platform: Platform) -> None:
    assert register(platform, draft=True).state == "draft"
    assert register(platform, epochs=3).state == "draft"
    assert platform.drop_messages() == []


def test_a_competition_is_prepared_at_once_unless_it_is_to_be_a_draft(platform: Platform) -> None:
    assert register(platform).state == "preparing"
    assert [task for task, _ in platform.drop_messages()] == ["lacuna.prepare_problem"]


def test_a_problem_that_breaks_its_loader_says_so_and_is_not_tried_for_ever(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = register(platform)
    monkeypatch.setattr(preparation, "load_stored", lambda *_: {}["images"])
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        row = session.get_one(Competition, competition.id)
        assert row.fault == "it cannot be loaded: KeyError: 'images'"
        assert session.scalars(select(Problem.preparing_until)).all() == [None]
