import io

import numpy as np
import pytest
from PIL import Image

from core.db.base import utc_now
from core.db.models.data_sets import DataSetVersion
from core.db.queries import competitions, data_sets
from core.db.session import reading, transaction
from core.domain.data_sets import DataFormat, DataSetStatus
from core.domain.errors import StoreUnavailable
from core.problems import ProblemSpec
from core.registration import register_competition
from tests.tiny_problems import make_tiny_spec
from tests.unit.worker.conftest import Platform
from tests.unit.worker.data_sets.uploads import LABELS, make_images, make_npz
from worker.jobs import validation
from worker.jobs.validation import validate_data_set
from worker.problems import load_problem


def add(platform: Platform, content: bytes, *, format: DataFormat = DataFormat.NPZ, named: str = "") -> str:
    version = DataSetVersion(
        format=format, named=named, source_digest=platform.context.store.put(content), created_by="ann"
    )
    with transaction(platform.engine) as session:
        return data_sets.add_version(session, "faces", version).id


def validate(platform: Platform, version_id: str) -> DataSetVersion:
    validate_data_set(platform.context, version_id)
    with reading(platform.engine) as session:
        row = data_sets.fetch_version(session, version_id)
    assert row is not None
    return row


def test_a_good_upload_becomes_ready_and_says_what_is_in_it(platform: Platform) -> None:
    row = validate(platform, add(platform, make_npz(class_names=np.array(["a", "b", "c"]))))
    assert row.status is DataSetStatus.READY
    assert row.summary is not None
    assert row.summary["shape"] == [1, 6, 6]
    assert row.summary["classes"] == [{"name": name, "train": 8, "test": 0} for name in "abc"]


def test_samples_are_pictures_of_every_class(platform: Platform) -> None:
    images = make_images(24, 6, 6, 3)
    row = validate(platform, add(platform, make_npz(images=images)))
    assert row.summary is not None
    samples = row.summary["samples"]
    assert {sample["class"] for sample in samples} == {"0", "1", "2"}
    shown = Image.open(io.BytesIO(platform.context.store.get(samples[3]["digest"])))
    assert np.array_equal(np.asarray(shown), images[samples[3]["id"]])


def test_real_numbers_are_drawn_too(platform: Platform) -> None:
    row = validate(platform, add(platform, make_npz(images=np.random.default_rng(0).normal(size=(24, 6, 6)))))
    assert row.status is DataSetStatus.READY


def test_a_bad_upload_is_refused_with_the_reason(platform: Platform) -> None:
    row = validate(platform, add(platform, b"not a zip"))
    assert (row.status, "not a zip" in row.reason) == (DataSetStatus.REFUSED, True)


def test_a_named_set_needs_no_upload(platform: Platform) -> None:
    row = validate(platform, add(platform, b"", format=DataFormat.NAMED, named="digits"))
    assert (row.status, row.summary and row.summary["train"]) == (DataSetStatus.READY, 1797)


def test_validating_twice_changes_nothing(platform: Platform) -> None:
    version = add(platform, make_npz())
    first = validate(platform, version)
    assert (validate(platform, version).digest, validate(platform, version).attempts) == (first.digest, 1)


def test_a_fault_of_ours_is_tried_again_and_then_refused(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_content: bytes, _format: DataFormat) -> None:
        raise MemoryError("too little")

    monkeypatch.setattr(validation, "read_confined", fail)
    version = add(platform, make_npz())
    assert validate(platform, version).status is DataSetStatus.UPLOADED
    assert platform.drop_messages() == [("lacuna.validate_data_set", version)]
    validate(platform, version)
    row = validate(platform, version)
    assert (row.status, "the platform failed" in row.reason, "MemoryError" in row.fault) == (
        DataSetStatus.REFUSED,
        True,
        True,
    )


def test_a_store_that_is_away_refuses_no_upload(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_content: bytes, _format: DataFormat) -> None:
        raise StoreUnavailable("the store is away")

    version = add(platform, make_npz())
    with monkeypatch.context() as away:
        away.setattr(validation, "read_confined", fail)
        for _ in range(platform.context.settings.max_attempts + 2):
            row = validate(platform, version)
            assert (row.status, row.fault) == (DataSetStatus.UPLOADED, "the store is away")
    assert platform.drop_messages() == []  # the janitor reminds of it
    assert validate(platform, version).status is DataSetStatus.READY


def make_spec(digest: str) -> ProblemSpec:
    data = {"set": f"faces@{digest}"}
    return make_tiny_spec(data=data, split={"train": 16, "validation": 4, "test": 4, "label_noise": 0.0, "seed": 1})


def test_a_problem_loads_an_uploaded_set_from_the_store(platform: Platform) -> None:
    row = validate(platform, add(platform, make_npz()))
    spec = make_spec(row.digest or "")
    problem = platform.context.load(spec)
    assert (problem.input_shape, problem.num_classes) == ((1, 6, 6), 3)
    assert np.array_equal(problem.splits.test.y, LABELS[problem.splits.test.ids])


def test_a_problem_on_a_set_that_is_not_there_says_so(platform: Platform) -> None:
    with pytest.raises(Exception, match="not in this machine's store"):
        load_problem(make_spec("0" * 64), None, platform.context.store)


def revoke(platform: Platform, version_id: str) -> None:
    with transaction(platform.engine) as session:
        row = session.get_one(DataSetVersion, version_id)
        row.revoked_at, row.revoked_reason = utc_now(), "one person objected"


def test_revoked_data_cannot_come_back_under_another_name(platform: Platform) -> None:
    version = add(platform, make_npz())
    validate(platform, version)
    revoke(platform, version)
    row = validate(platform, add(platform, make_npz()))
    assert (row.status, "revoked as faces@1" in row.reason) == (DataSetStatus.REFUSED, True)


def test_no_model_is_trained_on_revoked_data(platform: Platform) -> None:
    version = add(platform, make_npz())
    spec = make_spec(validate(platform, version).digest or "")
    with transaction(platform.engine) as session:
        register_competition(session, spec)
    platform.step()  # the chunks are written down and sent out
    revoke(platform, version)
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        row = competitions.fetch_competition(session, spec.slug)
        assert row is not None
        pools = competitions.fetch_pools(session, row.spec.problem_id)
    assert {chunk.state for pool in pools for chunk in pool.chunks} == {"pending"}


def test_a_problem_on_revoked_data_is_not_prepared(platform: Platform) -> None:
    version = add(platform, make_npz())
    spec = make_spec(validate(platform, version).digest or "")
    revoke(platform, version)
    with transaction(platform.engine) as session:
        register_competition(session, spec)
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        row = competitions.fetch_competition(session, spec.slug)
    assert row is not None
    assert (row.state, "revoked" in row.fault) == ("preparing", True)
