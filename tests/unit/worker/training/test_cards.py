import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.errors import InvalidInput
from core.domain.exposure import Exposure
from core.domain.pools import PoolKind
from core.storage import FolderStore
from tests.tiny_problems import make_tiny_spec
from worker.problems import LoadedProblem, load_problem
from worker.training.cards import CARD, check_card, export_card, import_card, open_card, retrain_some
from worker.training.pools import TrainingPlan, ensure_pools, load_pool, pool_sizes


@pytest.fixture(scope="module")
def problem() -> LoadedProblem:
    return load_problem(make_tiny_spec(recipe={"epochs": 1}))


@pytest.fixture(scope="module")
def trained(problem: LoadedProblem, tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    store = FolderStore(tmp_path_factory.mktemp("store"))
    sizes = pool_sizes(problem.spec)
    ensure_pools(problem, sizes, store, on_progress=lambda *_: None, plan=TrainingPlan(workers=1))
    return store


@pytest.fixture
def card(problem: LoadedProblem, trained: FolderStore, tmp_path: Path) -> Path:
    target = tmp_path / "card.zip"
    export_card(problem, trained, target, with_weights=True)
    return target


def rewrite(card: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    with zipfile.ZipFile(card) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(card, "w") as archive:
        for name, data in parts.items():
            changed = change(name, data)
            if changed is not None:
                archive.writestr(name, changed)


def test_pools_of_a_card_are_those_that_were_exported(
    card: Path, problem: LoadedProblem, trained: FolderStore, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path / "other")
    with open_card(card) as opened:
        assert import_card(opened, problem, store) == 1 + 16 + 16
        assert import_card(opened, problem, store) == 0
    for kind in PoolKind:
        assert load_pool(problem, kind, store).digest == load_pool(problem, kind, trained).digest


def test_without_weights_the_originals_are_left_to_train(
    problem: LoadedProblem, trained: FolderStore, tmp_path: Path
) -> None:
    target, store = tmp_path / "light.zip", FolderStore(tmp_path / "other")
    export_card(problem, trained, target, with_weights=False)
    with open_card(target) as opened:
        assert import_card(opened, problem, store) == 16 + 16


def test_what_was_trained_again_is_the_same_to_the_bit(card: Path, problem: LoadedProblem) -> None:
    with open_card(card) as opened:
        assert retrain_some(opened, problem, 2) < 1e-5


def test_of_a_hidden_problem_nothing_leaves(problem: LoadedProblem, trained: FolderStore, tmp_path: Path) -> None:
    hidden = replace(problem, spec=problem.spec.model_copy(update={"exposure": Exposure.PUBLIC}))
    with pytest.raises(InvalidInput, match="tiny is hidden"):
        export_card(hidden, trained, tmp_path / "no.zip", with_weights=False)
    assert not (tmp_path / "no.zip").exists()


def test_what_is_not_trained_is_not_exported(problem: LoadedProblem, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="1 models are not trained yet"):
        export_card(problem, FolderStore(tmp_path / "empty"), tmp_path / "no.zip", with_weights=False)


def test_a_card_of_another_problem_is_refused(card: Path) -> None:
    other = load_problem(make_tiny_spec(recipe={"epochs": 2}))
    with open_card(card) as opened, pytest.raises(InvalidInput, match="another problem than tiny"):
        check_card(opened, other)


def test_a_changed_part_is_refused_and_nothing_is_kept(card: Path, problem: LoadedProblem, tmp_path: Path) -> None:
    rewrite(card, lambda name, data: data if name == CARD else data[:-1] + bytes([data[-1] ^ 1]))
    store = FolderStore(tmp_path / "other")
    with open_card(card) as opened, pytest.raises(InvalidInput, match="damaged or was changed"):
        import_card(opened, problem, store)
    assert list((tmp_path / "other" / "refs").rglob("*.ref")) == []


def test_seeds_that_the_problem_does_not_name_are_refused(card: Path, problem: LoadedProblem) -> None:
    def change(name: str, data: bytes) -> bytes:
        if name != CARD:
            return data
        body = json.loads(data)
        body["pools"]["retrained"][0]["seeds"][0] += 1
        return json.dumps(body).encode()

    rewrite(card, change)
    with open_card(card) as opened, pytest.raises(InvalidInput, match="retrained pool is not that of tiny"):
        check_card(opened, problem)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, "holds no card.json"),
        (b"[]", "cannot be read"),
        (b"{", "cannot be read"),
        (b'{"form": 2}', "is of form 2; this release reads form 1"),
        (b'{"form": 1}', "cannot be read"),
    ],
    ids=["none", "list", "broken", "newer", "empty"],
)
def test_a_file_that_is_no_card_is_refused_in_one_line(card: Path, body: bytes | None, words: str) -> None:
    rewrite(card, lambda name, data: body if name == CARD else data)
    with pytest.raises(InvalidInput, match=words), open_card(card):
        pass


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.zip"
    path.write_bytes(b"no archive")
    with pytest.raises(InvalidInput, match="is no pool card"), open_card(path):
        pass
    with pytest.raises(InvalidInput, match="No such file"), open_card(tmp_path / "nowhere.zip"):
        pass
