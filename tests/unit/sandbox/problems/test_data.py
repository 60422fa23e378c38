import gzip
import hashlib
import importlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

from sandbox.problems.diabetes import data as diabetes
from sandbox.problems.digits import data as digits
from sandbox.problems.errors import DataDamaged, DataMissing
from sandbox.problems.fashion_mnist import data as fashion_mnist
from sandbox.problems.torchvision_sets import data as torchvision_sets
from sandbox.torchvision_compat import load_torchvision
from tests.tiny_problems import write_idx, write_idx_folder


def test_the_digits_are_scikit_learns() -> None:
    raw, bunch = digits.load(), load_digits()
    expected = (bunch.data - bunch.data.mean()) / bunch.data.std()
    np.testing.assert_allclose(raw.train_x, expected, rtol=1e-6)
    np.testing.assert_array_equal(raw.train_y, bunch.target)


def test_the_patients_are_scikit_learns_and_standardised() -> None:
    raw, bunch = diabetes.load(), load_diabetes(scaled=False)
    expected = (bunch.data - bunch.data.mean(axis=0)) / bunch.data.std(axis=0)
    np.testing.assert_allclose(raw.train_x, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(raw.train_y, (bunch.target - bunch.target.mean()) / bunch.target.std(), rtol=1e-5)
    assert len(raw.input_names) == raw.train_x.shape[1]


def test_a_missing_or_damaged_file_of_patients_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="scikit-learn"):
        diabetes.load(tmp_path)
    (tmp_path / "diabetes_data_raw.csv.gz").write_bytes(gzip.compress(b"1 2\n", mtime=0))
    with pytest.raises(DataDamaged, match="not 10 numbers"):
        diabetes.load(tmp_path)


def test_a_missing_digits_file_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="scikit-learn"):
        digits.load(tmp_path)


@pytest.mark.parametrize(
    "content", [b"junk", gzip.compress(b"1,2,3\n", mtime=0), gzip.compress(b"0," * 64 + b"17\n", mtime=0)]
)
def test_a_damaged_digits_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "digits.csv.gz").write_bytes(content)
    with pytest.raises(DataDamaged):
        digits.load(tmp_path)


def test_an_idx_folder_is_read_plain_or_packed(tmp_path: Path) -> None:
    write_idx_folder(tmp_path)
    plain = fashion_mnist.load(tmp_path)
    for path in list(tmp_path.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()
    packed = fashion_mnist.load(tmp_path)
    np.testing.assert_array_equal(plain.train_x, packed.train_x)
    assert plain.train_x.shape == (60, 1, 28, 28)
    assert plain.test_y.tolist() == [*range(10), *range(10)]


def test_bytes_stay_bytes_when_asked(tmp_path: Path) -> None:
    raw = fashion_mnist.load(write_idx_folder(tmp_path), scale="bytes")
    assert raw.train_x.max() > 250
    np.testing.assert_array_equal(raw.train_x, np.round(raw.train_x))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "does not begin"),
        (b"\0\0\x0d\x03" + bytes(12), "does not begin"),
        (b"\0\0\x08\x01\0\0\0\x02ab", "does not begin"),
        (b"\0\0\x08\x03" + (5).to_bytes(4, "big") * 3 + b"short", "announces 125 values and holds 5"),
    ],
)
def test_a_damaged_idx_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(DataDamaged, match=reason):
        fashion_mnist.read_idx(tmp_path / "images", axes=3)


def test_a_truncated_gzip_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images.gz").write_bytes(gzip.compress(bytes(5000), mtime=0)[:-12])
    with pytest.raises(DataDamaged):
        fashion_mnist.read_idx(tmp_path / "images", axes=3)


def test_more_labels_than_images_are_refused(tmp_path: Path) -> None:
    write_idx_folder(tmp_path)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(61, np.uint8))
    with pytest.raises(DataDamaged, match="61 labels for 60 images"):
        fashion_mnist.load(tmp_path)


def test_a_label_outside_the_classes_is_refused(tmp_path: Path) -> None:
    write_idx_folder(tmp_path)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.full(60, 11, np.uint8))
    with pytest.raises(DataDamaged, match="label 11"):
        fashion_mnist.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("cifar10", "cifar-10-batches-py/data_batch_1"),
        ("cifar100", "cifar-100-python/train"),
        ("svhn", "train_32x32.mat"),
    ],
)
def test_a_missing_torchvision_file_is_named_with_how_to_get_it(tmp_path: Path, name: str, file: str) -> None:
    with pytest.raises(DataMissing) as caught:
        torchvision_sets.load(tmp_path, name=name)
    assert caught.value.file == str(tmp_path / file)
    assert "unpack the published" in caught.value.hint


def test_without_a_folder_torchvision_data_are_missing() -> None:
    with pytest.raises(DataMissing, match="folder"):
        torchvision_sets.load(None, name="svhn")


def test_a_torchvision_file_with_other_content_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "train_32x32.mat").write_bytes(b"not a matrix")
    with pytest.raises(DataDamaged, match="MD5"):
        torchvision_sets.load(tmp_path, name="svhn")


def test_svhn_files_become_standardised_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    svhn = load_torchvision("torchvision.datasets").SVHN
    sums = {
        split: _write_svhn(tmp_path / f"{split}_32x32.mat", count) for split, count in (("train", 30), ("test", 10))
    }
    split_list = {split: ["unused", f"{split}_32x32.mat", md5] for split, md5 in sums.items()}
    monkeypatch.setattr(svhn, "split_list", split_list)
    raw = torchvision_sets.load(tmp_path, name="svhn")
    assert raw.train_x.shape == (30, 3, 32, 32)
    np.testing.assert_allclose(raw.train_x.mean(axis=(0, 2, 3)), 0, atol=1e-4)
    assert set(raw.test_y.tolist()) == set(range(10))


def test_only_torchvision_is_imported_through_the_compat_module() -> None:
    with pytest.raises(ValueError, match="no part of torchvision"):
        load_torchvision("os.path")


def _write_svhn(path: Path, count: int) -> str:
    savemat = importlib.import_module("scipy.io").savemat
    images = np.random.default_rng(0).integers(256, size=(32, 32, 3, count), dtype=np.uint8)
    savemat(path, {"X": images, "y": (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]})
    return hashlib.md5(path.read_bytes()).hexdigest()
