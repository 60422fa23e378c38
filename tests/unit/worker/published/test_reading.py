import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from core.domain.errors import InvalidInput
from evaluator import InvalidPool, compute_confidence
from worker.published.reading import Originals, PublishedPool, check_labels, read_labels, read_pool, settle_originals

MARGINS = np.arange(12, dtype=np.float32).reshape(4, 3)
ROOT = Path(__file__).resolve().parents[4]


class Payload:
    """What a hostile file would hold: an object that runs code when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise AssertionError('the file ran its code')",)


def write_npy(path: Path) -> Path:
    np.save(path.with_suffix(".npy"), MARGINS)
    return path.with_suffix(".npy")


def write_npz(path: Path) -> Path:
    np.savez(path.with_suffix(".npz"), margins=MARGINS)
    return path.with_suffix(".npz")


def write_safetensors(path: Path) -> Path:
    save_file({"margins": MARGINS}, path.with_suffix(".safetensors"))
    return path.with_suffix(".safetensors")


def write_pt(path: Path) -> Path:
    torch.save(torch.from_numpy(MARGINS).requires_grad_(), path.with_suffix(".pt"))
    return path.with_suffix(".pt")


def write_pth_dictionary(path: Path) -> Path:
    torch.save({"margins": torch.from_numpy(MARGINS), "epochs": 3}, path.with_suffix(".pth"))
    return path.with_suffix(".pth")


WRITERS = (write_npy, write_npz, write_safetensors, write_pt, write_pth_dictionary)


@pytest.mark.parametrize("write", WRITERS)
def test_margins_come_back_as_they_were_written(write, tmp_path) -> None:
    pool = read_pool(str(write(tmp_path / "pool")))
    assert pool.confidences.dtype == np.float32
    assert np.array_equal(pool.confidences, MARGINS)
    assert (pool.made_from, pool.originals) == ("margins", None)


@pytest.mark.parametrize("write", [write_npz, write_safetensors, write_pth_dictionary])
def test_a_key_picks_an_array_and_a_wrong_one_is_answered_by_the_list(write, tmp_path) -> None:
    path = write(tmp_path / "pool")
    assert np.array_equal(read_pool(f"{path}:margins").confidences, MARGINS)
    with pytest.raises(InvalidInput, match=r"no array 'logits'.*one of margins"):
        read_pool(f"{path}:logits")


def test_several_arrays_need_a_key(tmp_path) -> None:
    np.savez(tmp_path / "pool.npz", retain=MARGINS, forget=MARGINS + 1)
    with pytest.raises(InvalidInput, match=r"several arrays.*one of retain, forget"):
        read_pool(str(tmp_path / "pool.npz"))
    assert np.array_equal(read_pool(str(tmp_path / "pool.npz:forget")).confidences, MARGINS + 1)


def test_a_file_without_names_has_no_keys_and_an_empty_one_no_pool(tmp_path) -> None:
    with pytest.raises(InvalidInput, match="one array without a name, no 'margins'"):
        read_pool(f"{write_npy(tmp_path / 'pool')}:margins")
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(InvalidInput, match="no array"):
        read_pool(str(tmp_path / "empty.npz"))


@pytest.mark.parametrize("beside", [True, False])
def test_logits_become_confidences_with_labels_beside_them_or_given(beside, tmp_path) -> None:
    logits = np.random.default_rng(0).normal(size=(4, 3, 5))
    labels = np.array([0, 4, 2])
    np.savez(tmp_path / "pool.npz", logits=logits, **({"labels": labels} if beside else {}))
    np.save(tmp_path / "labels.npy", labels)
    given = None if beside else read_labels(str(tmp_path / "labels.npy"))
    pool = read_pool(str(tmp_path / "pool.npz"), labels=given)
    assert np.array_equal(pool.confidences, compute_confidence(logits, labels))
    assert pool.made_from == "logits"


def test_labels_are_found_by_name_by_key_or_alone(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", labels=np.array([1, 2]), logits=MARGINS)
    np.savez(tmp_path / "b.npz", y=np.array([1, 2]))
    for place in ("a.npz", "a.npz:labels", "b.npz", "b.npz:y"):
        assert read_labels(str(tmp_path / place)).tolist() == [1, 2]


def test_logits_without_labels_are_refused(tmp_path) -> None:
    np.save(tmp_path / "pool.npy", np.zeros((4, 3, 5)))
    with pytest.raises(InvalidPool, match="give labels"):
        read_pool(str(tmp_path / "pool.npy"))


def test_a_folder_is_one_file_a_model_in_the_order_of_their_numbers(tmp_path) -> None:
    for model in range(12):
        np.save(tmp_path / f"id_{model}_epoch_23.npy", MARGINS[0] + model)
    (tmp_path / "notes.txt").write_text("not a model")
    pool = read_pool(str(tmp_path))
    assert pool.confidences[:, 0].tolist() == list(range(12))


def test_a_folder_of_torch_logits_with_labels_and_a_key(tmp_path) -> None:
    logits = torch.arange(30.0).reshape(2, 3, 5)
    for model in range(2):
        torch.save({"logits": logits[model], "margins": logits[model, :, 0]}, tmp_path / f"{model}.pt")
    pool = read_pool(f"{tmp_path}:logits", labels=np.array([0, 1, 2]))
    assert np.array_equal(pool.confidences, compute_confidence(logits.numpy(), [0, 1, 2]))
    assert np.array_equal(read_pool(f"{tmp_path}:margins").confidences, logits[:, :, 0].numpy())


def test_files_of_a_folder_that_disagree_are_named(tmp_path) -> None:
    np.save(tmp_path / "0.npy", np.zeros(3))
    np.save(tmp_path / "1.npy", np.zeros(4))
    with pytest.raises(InvalidPool, match=r"1\.npy: float64 of shape \(4,\), but 0\.npy has float64 of shape \(3,\)"):
        read_pool(str(tmp_path))


@pytest.mark.parametrize("field", ["originals", "labels"])
def test_files_of_a_folder_that_declare_different_things_are_refused(field, tmp_path) -> None:
    for model, value in enumerate((1, 2)):
        np.savez(tmp_path / f"{model}.npz", margins=np.zeros(3), **{field: np.array(value)})
    with pytest.raises(InvalidPool, match=f"disagree on {field}"):
        read_pool(str(tmp_path))


def test_an_empty_folder_and_a_missing_file_are_the_callers_mistake(tmp_path) -> None:
    with pytest.raises(InvalidInput, match="no file in it ends with"):
        read_pool(str(tmp_path))
    for place in ("nothing.npy", "nothing.npy:key"):
        with pytest.raises(InvalidInput, match="no such file"):
            read_pool(str(tmp_path / place))
    (tmp_path / "pool.csv").write_text("1,2")
    with pytest.raises(InvalidInput, match="ends with"):
        read_pool(str(tmp_path / "pool.csv"))
    with pytest.raises(InvalidInput, match="ends with"):
        read_labels(str(tmp_path))


@pytest.mark.parametrize(
    ("written", "expected"),
    [("one", Originals.ONE), ("many", Originals.MANY), (1, Originals.ONE), (200, Originals.MANY)],
)
def test_originals_are_read_from_every_kind_of_file(written, expected, tmp_path) -> None:
    np.savez(tmp_path / "a.npz", margins=MARGINS, originals=written)
    save_file({"margins": MARGINS}, tmp_path / "b.safetensors", metadata={"originals": str(written)})
    torch.save({"margins": torch.from_numpy(MARGINS), "originals": written}, tmp_path / "c.pt")
    for name in ("a.npz", "b.safetensors", "c.pt"):
        assert read_pool(str(tmp_path / name)).originals is expected


def test_originals_that_mean_nothing_are_refused(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", margins=MARGINS, originals="several")
    with pytest.raises(InvalidPool, match="originals must be one, many or a number"):
        read_pool(str(tmp_path / "a.npz"))


def make_pool(originals: Originals | None) -> PublishedPool:
    return PublishedPool(MARGINS, f"{originals}.npy", "margins", originals)


@pytest.mark.parametrize(
    ("stated", "declared", "settled"),
    [
        (None, (None, None), None),
        (Originals.ONE, (None, None), Originals.ONE),
        (None, (Originals.MANY, None), Originals.MANY),
        (Originals.MANY, (Originals.MANY, Originals.MANY), Originals.MANY),
    ],
)
def test_what_is_declared_once_holds_for_all(stated, declared, settled) -> None:
    assert settle_originals(stated, *map(make_pool, declared)) is settled


@pytest.mark.parametrize(("stated", "declared"), [(None, ("one", "many")), ("one", ("many", None))])
def test_one_and_many_originals_are_never_mixed(stated, declared) -> None:
    pools = [make_pool(Originals(value) if value else None) for value in declared]
    with pytest.raises(InvalidPool, match="do not compare"):
        settle_originals(Originals(stated) if stated else None, *pools)


@pytest.mark.parametrize("name", ["pool.npy", "pool.npz", "pool.pt", "pool.pth"])
def test_pickled_objects_are_refused_and_never_run(name, tmp_path) -> None:
    path = tmp_path / name
    if path.suffix == ".npy":
        np.save(path, np.array([Payload()], dtype=object), allow_pickle=True)
    elif path.suffix == ".npz":
        np.savez(path, margins=np.array([Payload()], dtype=object))
    else:
        torch.save({"margins": Payload()}, path)
    with pytest.raises(InvalidPool, match=r"pickled objects.*can run code"):
        read_pool(str(path))


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors", ".pt"])
@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 cut off", b"\x93NUMPY\x01\x00v\x00{", b"\x80\x04\x95\x00", bytes(64)]
)
def test_damaged_files_are_refused_by_name(suffix, content, tmp_path) -> None:
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    with pytest.raises(InvalidPool, match="damaged"):
        read_pool(str(path))


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_cut_anywhere_is_refused(write, tmp_path) -> None:
    path = write(tmp_path / "whole")
    content = path.read_bytes()
    for length in range(0, len(content) - 1, max(1, len(content) // 40)):
        path.write_bytes(content[:length])
        with pytest.raises((InvalidPool, InvalidInput)):
            read_pool(str(path))


@pytest.mark.parametrize(
    "array", [np.zeros(4), np.zeros((2, 2, 2, 2)), np.zeros((2, 2), dtype=complex), np.array([["a", "b"]])]
)
def test_arrays_that_are_no_pool_are_described(array, tmp_path) -> None:
    np.save(tmp_path / "pool.npy", array)
    with pytest.raises(InvalidPool, match="of shape"):
        read_pool(str(tmp_path / "pool.npy"))


def test_bfloat16_is_read_from_torch_files_and_its_values_are_kept(tmp_path) -> None:
    torch.save(torch.from_numpy(MARGINS).to(torch.bfloat16), tmp_path / "pool.pt")
    assert np.array_equal(read_pool(str(tmp_path / "pool.pt")).confidences, MARGINS)


@pytest.mark.parametrize("value", [torch.eye(3).to_sparse(), torch.zeros(2, 2, dtype=torch.complex64)])
def test_tensors_that_are_not_plain_numbers_are_refused(value, tmp_path) -> None:
    torch.save(value, tmp_path / "pool.pt")
    with pytest.raises(InvalidPool, match="plain numbers"):
        read_pool(str(tmp_path / "pool.pt"))


def test_a_torch_file_of_something_else_is_refused(tmp_path) -> None:
    torch.save(7, tmp_path / "pool.pt")
    with pytest.raises(InvalidPool, match="holds a int, not tensors"):
        read_pool(str(tmp_path / "pool.pt"))


def test_a_list_of_tensors_is_chosen_from_by_place(tmp_path) -> None:
    torch.save([torch.zeros(2, 2), torch.ones(2, 2)], tmp_path / "pool.pt")
    assert read_pool(str(tmp_path / "pool.pt:1")).confidences.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_torch_is_not_imported_for_files_of_numpy(tmp_path) -> None:
    path = write_npz(tmp_path / "pool")
    source = (
        "import sys; from worker.published.reading import read_pool; "
        f"read_pool({str(path)!r}); assert 'torch' not in sys.modules, 'torch was imported'"
    )
    subprocess.run([sys.executable, "-c", source], cwd=ROOT, check=True)


def test_a_torch_file_without_torch_says_what_is_missing(tmp_path, monkeypatch) -> None:
    path = write_pt(tmp_path / "pool")
    monkeypatch.setitem(sys.modules, "worker.published.torch_files", None)
    with pytest.raises(InvalidInput, match="torch is needed"):
        read_pool(str(path))


def test_a_folder_is_read_whatever_the_case_of_its_suffixes(tmp_path: Path) -> None:
    for place, name in enumerate(("model_0.npy", "model_1.NPY", "model_2.npy")):
        with (tmp_path / name).open("wb") as stream:
            np.save(stream, MARGINS[place])
    assert np.array_equal(read_pool(str(tmp_path)).confidences, MARGINS[:3])


def test_bfloat16_is_read_and_eight_bits_are_refused_in_one_line(tmp_path: Path) -> None:
    wide = torch.from_numpy(MARGINS)
    save_torch_file({"a": wide.bfloat16(), "labels": torch.arange(3)}, tmp_path / "u.safetensors")
    assert np.array_equal(read_pool(str(tmp_path / "u.safetensors")).confidences, MARGINS)
    torch.save(wide.to(torch.float8_e4m3fn), tmp_path / "u.pt")
    with pytest.raises(InvalidPool, match="float8_e4m3fn numbers, too coarse"):
        read_pool(str(tmp_path / "u.pt"))


def test_tensors_in_lists_and_nested_dictionaries_are_found(tmp_path: Path) -> None:
    torch.save(list(torch.from_numpy(MARGINS)), tmp_path / "list.pt")
    torch.save({"model": {"margins": torch.from_numpy(MARGINS)}, "epoch": 3}, tmp_path / "nested.pt")
    for name in ("list.pt", "nested.pt"):
        assert np.array_equal(read_pool(str(tmp_path / name)).confidences, MARGINS)


def test_probabilities_are_no_logits(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(4, 3, 5))
    shares = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    np.savez(tmp_path / "p.npz", logits=shares.astype(np.float16), labels=np.arange(3))
    with pytest.raises(InvalidPool, match="probabilities"):
        read_pool(str(tmp_path / "p.npz"))
    np.savez(tmp_path / "p.npz", logits=np.log(shares), labels=np.arange(3))
    assert read_pool(str(tmp_path / "p.npz")).made_from == "logits"


def test_pools_of_other_examples_are_told_apart_by_their_labels(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(4, 3, 5))
    for name, labels in (("a", [0, 1, 2]), ("b", [0, 1, 2]), ("c", [0, 2, 1])):
        np.savez(tmp_path / f"{name}.npz", logits=logits, labels=np.array(labels))
    a, b, c = (read_pool(str(tmp_path / f"{name}.npz")) for name in "abc")
    check_labels(a, b)
    with pytest.raises(InvalidPool, match="different labels"):
        check_labels(a, b, c)
    with pytest.raises(InvalidPool, match="not those that are given"):
        read_pool(str(tmp_path / "c.npz"), labels=np.array([0, 1, 2]))
