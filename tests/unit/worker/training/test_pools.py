from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load

from core.domain.errors import PlatformFault
from core.domain.pools import PoolKind
from core.storage import FolderStore
from tests.tiny_problems import make_tiny_spec
from worker.problems import LoadedProblem, load_problem
from worker.training import chunks, parallel, pools
from worker.training.chunks import Chunk, pool_chunks
from worker.training.members import TRAINING_VERSION
from worker.training.pools import (
    Pool,
    TrainingPlan,
    assemble_pool,
    build_chunk,
    ensure_pools,
    load_originals,
)

HERE = TrainingPlan(workers=1)


@pytest.fixture(scope="module")
def problem() -> LoadedProblem:
    return load_problem(make_tiny_spec(recipe={"epochs": 1, "batch_size": 32, "learning_rate": 0.1}))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Chunks of three members, and the names of those that were trained."""
    names: list[str] = []
    real = chunks.train_chunk

    def spy(problem: LoadedProblem, chunk: Chunk, *, device: str = "cpu"):  # type: ignore[no-untyped-def]
        names.append(chunk.name.split("/", 2)[2])
        return real(problem, chunk, device=device)

    monkeypatch.setattr(chunks, "DENSE_CHUNK", 3)
    monkeypatch.setattr(parallel, "train_chunk", spy)
    monkeypatch.setattr(pools, "train_chunk", spy)
    return names


def ensure(
    problem: LoadedProblem,
    store: FolderStore,
    size: int,
    kind: PoolKind = PoolKind.RETRAINED,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    plan: TrainingPlan = HERE,
) -> Pool:
    return ensure_pools(problem, {kind: size}, store, on_progress=on_progress, plan=plan)[kind]


def test_a_pool_holds_one_row_of_outputs_for_each_member(problem: LoadedProblem, store: FolderStore) -> None:
    pool = ensure(problem, store, 5)
    assert pool.size == len(pool.outputs) == len(pool.seeds) == len(pool.weights) == 5
    assert pool.outputs.forget_logits.shape == (5, 40, 10)
    assert len(np.unique(pool.outputs.forget_logits[:, 0, 0])) == 5


def test_the_second_start_trains_nothing(problem: LoadedProblem, store: FolderStore, trained: list[str]) -> None:
    first = ensure(problem, store, 7)
    assert len(trained) == 3
    trained.clear()
    second = ensure(problem, store, 7)
    assert trained == []
    assert second.digest == first.digest


def test_an_interrupted_build_trains_only_what_is_missing(
    problem: LoadedProblem, store: FolderStore, trained: list[str]
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure(problem, store, 7, on_progress=interrupt)
    assert trained == [f"v{TRAINING_VERSION}/retrained/0-2"]
    trained.clear()
    ensure(problem, store, 7)
    assert trained == [f"v{TRAINING_VERSION}/retrained/3-5", f"v{TRAINING_VERSION}/retrained/6-6"]


def test_a_larger_pool_trains_only_the_difference(
    problem: LoadedProblem, store: FolderStore, trained: list[str]
) -> None:
    ensure(problem, store, 6)
    trained.clear()
    ensure(problem, store, 9)
    assert trained == [f"v{TRAINING_VERSION}/retrained/6-8"]


def test_a_damaged_chunk_is_trained_again(problem: LoadedProblem, store: FolderStore, trained: list[str]) -> None:
    first = ensure(problem, store, 6)
    digest = store.get_ref(pool_chunks(problem, PoolKind.RETRAINED, 6)[1].name)
    (store.folder / "blobs" / str(digest)[:2] / str(digest)).write_bytes(b"damaged")
    trained.clear()
    assert ensure(problem, store, 6).digest == first.digest
    assert trained == [f"v{TRAINING_VERSION}/retrained/3-5"]


def test_progress_counts_members_from_what_is_there_to_all(
    problem: LoadedProblem, store: FolderStore, trained: list[str]
) -> None:
    ensure(problem, store, 3)
    seen: list[tuple[int, int]] = []
    sizes = {PoolKind.ORIGINAL: 1, PoolKind.RETRAINED: 6}
    made = ensure_pools(problem, sizes, store, on_progress=lambda done, total: seen.append((done, total)), plan=HERE)
    assert seen == [(3, 7), (4, 7), (7, 7)]
    assert {kind: pool.size for kind, pool in made.items()} == sizes


def test_the_control_bank_is_independent_of_the_retrained_pool(problem: LoadedProblem, store: FolderStore) -> None:
    retrained, control = ensure(problem, store, 4), ensure(problem, store, 4, PoolKind.CONTROL)
    assert not set(retrained.seeds) & set(control.seeds)
    assert not np.isclose(retrained.outputs.forget_logits, control.outputs.forget_logits).all(axis=(1, 2)).any()


def test_originals_keep_their_weights_and_others_do_not(problem: LoadedProblem, store: FolderStore) -> None:
    originals = ensure(problem, store, 1, PoolKind.ORIGINAL)
    retrained = ensure(problem, store, 1)
    assert load(originals.load_original(store, 0))["fc.weight"].shape == (10, 12)
    assert load_originals(problem, store) == (originals.load_original(store, 0),)
    assert not store.has(retrained.weights[0])
    with pytest.raises(ValueError, match="only originals"):
        retrained.load_original(store, 0)


def test_an_original_whose_weights_are_lost_is_trained_again(problem: LoadedProblem, store: FolderStore) -> None:
    lost = ensure(problem, store, 1, PoolKind.ORIGINAL).weights[0]
    (store.folder / "blobs" / lost[:2] / lost).unlink()
    assert store.has(ensure(problem, store, 1, PoolKind.ORIGINAL).weights[0])


def test_a_chunk_is_built_once(problem: LoadedProblem, store: FolderStore, trained: list[str]) -> None:
    chunk = pool_chunks(problem, PoolKind.CONTROL, 2)[0]
    assert build_chunk(problem, chunk, store)
    assert not build_chunk(problem, chunk, store)
    assert len(trained) == 1


def test_a_pool_with_a_missing_chunk_is_not_assembled(problem: LoadedProblem, store: FolderStore) -> None:
    with pytest.raises(PlatformFault, match="has not been trained"):
        assemble_pool(pool_chunks(problem, PoolKind.CONTROL, 2), store)


def test_processes_train_the_same_models(
    problem: LoadedProblem, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "DENSE_CHUNK", 2)
    alone = ensure(problem, store, 4)
    elsewhere = FolderStore(tmp_path / "elsewhere")
    together = ensure(problem, elsewhere, 4, plan=TrainingPlan(workers=2))
    np.testing.assert_allclose(together.outputs.forget_logits, alone.outputs.forget_logits, atol=1e-5)


def test_a_process_that_may_have_no_children_trains_by_itself(
    problem: LoadedProblem, store: FolderStore, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Daemon:
        daemon = True

    monkeypatch.setattr("multiprocessing.current_process", Daemon)
    ensure(problem, store, 6, plan=TrainingPlan(workers=2))
    assert len(trained) == 2  # the spy lives in this process alone


def test_a_training_process_that_dies_is_a_readable_fault(
    problem: LoadedProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "_train", _die)
    planned: Sequence[Chunk] = pool_chunks(problem, PoolKind.RETRAINED, 33)
    with pytest.raises(PlatformFault, match="a training process died"):
        list(parallel.train_chunks(problem, planned, workers=2))


def _die(chunk: Chunk) -> None:
    import os

    os._exit(1)
