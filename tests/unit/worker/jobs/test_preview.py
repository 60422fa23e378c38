import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.db.models.problems import EvaluationSpec, Problem
from core.db.queries import competitions
from core.db.session import reading, transaction
from core.domain.pools import PoolKind
from core.jobs import PREVIEW, enqueue
from core.problems import ProblemSpec
from core.registration import register_competition
from tests.unit.worker.conftest import Platform, make_spec
from worker.jobs import preview
from worker.jobs.preview import estimate_training
from worker.training.pools import pool_sizes


def look(platform: Platform, spec: ProblemSpec) -> Problem:
    """Draft a competition, and have a worker look at its problem."""
    with transaction(platform.engine) as session:
        drafted = register_competition(session, spec, draft=True)
        enqueue(session, PREVIEW, session.get_one(EvaluationSpec, drafted.spec_id).problem_id)
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        row = competitions.fetch_competition(session, spec.slug)
        assert row is not None
        assert competitions.fetch_pools(session, row.spec.problem_id) == []
        return row.spec.problem


def test_a_preview_counts_what_training_will_see(platform: Platform) -> None:
    found = look(platform, make_spec()).preview
    assert found is not None
    splits = platform.context.load(make_spec()).splits
    assert found["fault"] == ""
    for name, counts in found["counts"].items():
        assert counts == np.bincount(getattr(splits, name).y, minlength=len(found["classes"])).tolist()
    assert found["forget"]["count"] == len(splits.forget)


def test_a_preview_tells_whether_the_models_will_have_learnt_anything(platform: Platform) -> None:
    found = look(platform, make_spec()).preview
    assert found is not None
    assert found["learning"]["models"] == 1
    assert 0 < found["learning"]["guessing"] < 0.5


def test_its_samples_are_pictures_of_the_forget_set(platform: Platform) -> None:
    found = look(platform, make_spec()).preview
    assert found is not None
    forget = platform.context.load(make_spec()).splits.forget
    assert [sample["id"] for sample in found["samples"]] == forget.ids[: len(found["samples"])].tolist()
    assert Image.open(io.BytesIO(platform.context.store.get(found["samples"][0]["digest"]))).size == (8, 8)


def test_every_pool_has_an_estimate_that_grows_with_the_work(platform: Platform) -> None:
    spec = make_spec()
    problem = platform.context.load(spec)
    pools = {each["kind"]: each for each in estimate_training(problem, device="cpu")}
    assert {kind: each["models"] for kind, each in pools.items()} == {
        kind.value: size for kind, size in pool_sizes(spec).items()
    }
    of_one = {kind: each["seconds"] / each["models"] for kind, each in pools.items()}
    assert of_one[PoolKind.ORIGINAL] >= of_one[PoolKind.RETRAINED]  # it sees the forget set too
    assert of_one[PoolKind.CONTROL] == of_one[PoolKind.RETRAINED]


@pytest.mark.parametrize(
    ("forget", "reason"),
    [
        ({"kind": "class", "class_index": 99}, "names class 99"),
        ({"kind": "ids", "ids": [10**6]}, "not in the training"),
    ],
)
def test_what_cannot_be_prepared_is_known_before(platform: Platform, forget: dict[str, Any], reason: str) -> None:
    spec = ProblemSpec.model_validate(make_spec().model_dump() | {"forget": forget})
    found = look(platform, spec).preview
    assert found is not None
    assert reason in found["fault"]


def test_a_fault_of_ours_tells_nothing_of_itself(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError("too little")

    monkeypatch.setattr(preview, "estimate_training", fail)
    found = look(platform, make_spec()).preview
    assert found is not None
    assert found["fault"] == preview.OURS
