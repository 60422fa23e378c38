import dataclasses
import gzip
import io
import stat
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.domain.errors import InvalidInput
from tests.tiny_problems import write_idx_folder
from tests.unit.worker.data_sets.uploads import (
    LABELS,
    make_idx,
    make_images,
    make_npy,
    make_npz,
    make_picture,
    make_picture_files,
    make_zip,
)
from worker.data_sets import unpack
from worker.data_sets.arrays import pack_tensors, scale_tensors, unpack_tensors
from worker.data_sets.idx import read_idx
from worker.data_sets.named import read_named
from worker.data_sets.npz import read_npz
from worker.data_sets.pictures import read_pictures


def test_grey_images_get_one_channel() -> None:
    found = read_npz(make_npz())
    assert found.train_x.shape == (24, 1, 6, 6)
    assert found.train_x.dtype == np.uint8
    assert found.class_names == ("0", "1", "2")
    assert len(found.test_y) == 0


def test_colour_images_become_channels_first() -> None:
    images = make_images(24, 6, 5, 3)
    assert np.array_equal(read_npz(make_npz(images=images)).train_x, images.transpose(0, 3, 1, 2))


def test_a_test_part_and_names_come_along() -> None:
    found = read_npz(
        make_npz(test_images=make_images(9, 6, 6), test_labels=np.arange(9) % 3, class_names=np.array(["a", "b", "c"]))
    )
    assert (len(found.test_y), found.class_names) == (9, ("a", "b", "c"))


def test_columns_come_along_and_a_request_can_go_by_them() -> None:
    person = np.arange(24) // 4
    kept = unpack_tensors(pack_tensors(read_npz(make_npz(group_person=person.astype(np.uint16)))))
    assert kept.groups["person"].dtype == np.int64
    np.testing.assert_array_equal(scale_tensors(kept).groups["person"], person)
    plain = read_npz(make_npz())
    assert pack_tensors(plain) == pack_tensors(dataclasses.replace(kept, groups={}))  # what has none keeps its digest


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"group_person": np.arange(23)}, "one whole number for each training image"),
        ({"group_person": np.zeros((24, 2), np.int64)}, "one whole number for each training image"),
        ({"group_person": np.zeros(24)}, "whole numbers"),
        ({"group_person": np.full(24, 2**40)}, "more than 32 bits"),
        ({"group_Person": np.arange(24)}, "a name of a-z"),
        ({"group_": np.arange(24)}, "a name of a-z"),
        ({f"group_{name}": np.arange(24) for name in "abcdefghijklmnopq"}, "more than 16 columns"),
    ],
    ids=["short", "wide", "real", "large", "upper case", "nameless", "many"],
)
def test_a_column_that_is_no_group_of_each_image_is_refused(arrays: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_npz(make_npz(**arrays))


def test_fortran_order_and_foreign_byte_order_are_read_as_they_were_meant() -> None:
    images = np.asfortranarray(make_images().astype(">f4"))
    assert np.array_equal(read_npz(make_npz(images=images)).train_x[:, 0], images)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"images": np.array([{"a": 1}] * 24, dtype=object)}, "only a pickle could bring"),
        ({"images": make_images(24, 6)}, "must be \\(N, H, W\\)"),
        ({"images": make_images(24, 6, 6, 4)}, "4 channels"),
        ({"images": make_images(24, 6, 6).astype(np.int32)}, "save images=images.astype"),
        ({"images": np.full((24, 6, 6), np.nan)}, "not finite"),
        ({"images": np.full((24, 6, 6), 1e300)}, "too large"),
        ({"images": make_images(24, 513, 1)}, "a side has 1 to 512"),
        ({"images": make_images(24, 0, 4)}, "a side has 1 to 512"),
        ({"labels": LABELS[:-1]}, "24 images and 23 labels"),
        ({"labels": LABELS - 1}, "between 0 and"),
        ({"labels": LABELS * 2}, "has the label '1'"),
        ({"labels": LABELS * 0}, "one class only"),
        ({"labels": LABELS * 1.0}, "save whole numbers from 0"),
        ({"labels": LABELS * 1000}, "between 0 and 999"),
        ({"images": make_images(3, 6, 6), "labels": np.arange(3)}, "too few"),
        ({"extra": LABELS}, "the arrays are called"),
        ({"test_images": make_images(2, 6, 6)}, "come together"),
        ({"test_images": make_images(2, 7, 7), "test_labels": np.arange(2)}, "must be alike"),
        ({"class_names": np.array(["a", "a", "b"])}, "must differ"),
        ({"class_names": np.array(["a", "b"])}, "2 class names, and a label 2"),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_refused(arrays: dict[str, np.ndarray], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_npz(make_npz(**arrays))


def test_a_header_that_promises_more_than_there_is_takes_no_memory() -> None:
    honest = make_npy(make_images(24, 6, 6))
    liar = honest.replace(b"(24, 6, 6)", b"(9**9,6,6)").replace(b"(9**9,6,6)", b"(99999,99)")
    with pytest.raises(InvalidInput, match="its size is another"):
        read_npz(make_zip({"images.npy": liar, "labels.npy": make_npy(LABELS)}))


def test_a_header_that_is_no_literal_is_refused() -> None:
    code = make_npy(make_images(24, 6, 6)).replace(b"(24, 6, 6)", b"exit(1234)")
    with pytest.raises(InvalidInput, match="not a saved array"):
        read_npz(make_zip({"images.npy": code, "labels.npy": make_npy(LABELS)}))


def test_a_missing_array_is_named() -> None:
    with pytest.raises(InvalidInput, match="no array 'labels'"):
        read_npz(make_zip({"images.npy": make_npy(make_images())}))


def test_bytes_that_are_no_archive_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not a zip"):
        read_npz(b"PK\x03\x04 and then nothing")


@pytest.mark.parametrize(
    ("files", "options", "reason"),
    [
        ({"../images.npy": b""}, {}, "leaves its folder"),
        ({"/images.npy": b""}, {}, "leaves its folder"),
        ({"..\\b.npy": b""}, {}, "leaves its folder"),
        ({"a/" * 9 + "b": b""}, {}, "unusable name"),
        ({"images.npy": b"/etc/passwd"}, {"mode": stat.S_IFLNK | 0o777}, "a link"),
        ({"images.npy": b"12"}, {"method": zipfile.ZIP_BZIP2}, "plain deflate"),
    ],
)
def test_an_archive_that_reaches_out_is_refused(files: dict[str, bytes], options: dict[str, int], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_npz(make_zip(files, **options))


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(InvalidInput, match="unpacks to"):
        read_npz(make_zip({"images.npy": bytes(2 << 20)}))


def test_a_crowd_of_entries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST_ENTRIES", 3)
    with pytest.raises(InvalidInput, match="more than 3 entries"):
        read_pictures(make_zip(make_picture_files()))


def test_an_idx_pair_is_read_plain_or_packed() -> None:
    images, labels = make_images(24, 6, 6), (np.arange(24) % 3).astype(np.uint8)
    found = read_idx(
        make_zip({"train-images-idx3-ubyte.gz": gzip.compress(make_idx(images)), "train-labels": make_idx(labels)})
    )
    assert np.array_equal(found.train_x[:, 0], images)
    assert np.array_equal(found.train_y, labels)


def test_an_idx_pair_may_have_a_test_pair(tmp_path) -> None:  # type: ignore[no-untyped-def]
    files = {path.name: path.read_bytes() for path in write_idx_folder(tmp_path).iterdir()}
    found = read_idx(make_zip(files))
    assert (len(found.train_y), len(found.test_y)) == (60, 20)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"images": make_idx(make_images(24, 6, 6))}, "needs one file with `images`"),
        ({"pictures": b""}, "must say `images` or `labels`"),
        ({"images": b"\0\0\x0d\x03"}, "not an IDX file"),
        ({"images": make_idx(make_images(24, 6, 6))[:-1]}, "its size is another"),
        ({"images.gz": b"\x1f\x8b nothing"}, "damaged"),
        ({"images": make_idx(make_images()), "images2": make_idx(make_images())}, "two files"),
    ],
)
def test_what_is_not_idx_is_refused(files: dict[str, bytes], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_idx(make_zip(files))


@pytest.mark.parametrize("prefix", ["", "pets/"])
def test_folders_are_classes(prefix: str) -> None:
    found = read_pictures(make_zip({**make_picture_files(prefix), "__MACOSX/._x": b"litter"}))
    assert found.class_names == ("cat", "dog")
    assert np.array_equal(found.train_y, [0] * 6 + [1] * 6)
    assert np.array_equal(found.train_x[:, 0], make_images(12, 5, 5))


def test_parts_are_folders_of_folders() -> None:
    found = read_pictures(make_zip({**make_picture_files("train/"), **make_picture_files("test/", each=2)}))
    assert (len(found.train_y), len(found.test_y), found.class_names) == (12, 4, ("cat", "dog"))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"cat/x.png": b"not an image"}, "neither a PNG nor a JPEG"),
        ({"cat/x.png": make_picture(make_images(5, 5))[:60]}, "cannot be decoded"),
        ({"cat/x.gif": make_picture(make_images(5, 5), "GIF")}, "neither a PNG nor a JPEG"),
        ({"cat/x.png": make_picture(make_images(5, 5, 4))}, "has the mode RGBA"),
        ({"cat/x.png": make_picture(make_images(6, 5))}, "is not|has at most"),
        ({"cat/x.png": make_picture(make_images(1, 513))}, "a side has at most"),
        ({"x.png": make_picture(make_images(5, 5))}, "no class folder"),
        ({"train/cat/x.png": make_picture(make_images(5, 5))}, "lay the images out"),
    ],
)
def test_pictures_that_cannot_be_trained_on_are_refused(files: dict[str, bytes], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_pictures(make_zip({**make_picture_files(), **files}))


def test_a_named_set_is_kept_like_an_upload() -> None:
    found = read_named("digits", None)
    assert (found.train_x.shape, found.train_x.dtype) == ((1797, 1, 8, 8), np.float32)


@pytest.mark.parametrize(("name", "reason"), [("cifar10", "is missing"), ("imagenet", "no data set named")])
def test_a_named_set_that_is_not_there_is_refused(name: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_named(name, None)


def test_equal_tensors_have_one_digest_whatever_they_came_in() -> None:
    stored = make_zip({"labels.npy": make_npy(LABELS), "images.npy": make_npy(make_images())})
    assert pack_tensors(read_npz(make_npz())) == pack_tensors(read_npz(stored))


def test_what_is_kept_comes_back() -> None:
    before = read_npz(make_npz(class_names=np.array(["é", "b", "c"])))
    after = unpack_tensors(pack_tensors(before))
    assert np.array_equal(before.train_x, after.train_x)
    assert after.class_names == ("é", "b", "c")


def test_problems_get_standardised_channels() -> None:
    raw = scale_tensors(read_npz(make_npz(images=make_images(24, 6, 6, 3))))
    assert np.allclose(raw.train_x.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    assert np.allclose(raw.train_x.std(axis=(0, 2, 3)), 1, atol=1e-4)


def test_a_constant_channel_stays_finite() -> None:
    assert np.isfinite(scale_tensors(read_npz(make_npz(images=make_images() * 0))).train_x).all()


def test_folders_that_are_numbers_are_classes_in_the_order_of_numbers() -> None:
    files = {
        f"{label}/{place}.png": make_picture(np.full((4, 4), label, np.uint8))
        for label in range(12)
        for place in range(2)
    }
    found = read_pictures(make_zip(files))
    assert found.class_names == tuple(str(label) for label in range(12))
    assert found.train_x[found.train_y == 2].max() == found.train_x[found.train_y == 2].min() == 2


def test_what_tools_leave_is_left_out_and_named() -> None:
    litter = {
        f"{folder}/x.png": make_picture(np.zeros((4, 4), np.uint8))
        for folder in (".ipynb_checkpoints", "@eaDir", "a/.thumbnails")
    }
    files = {f"{label}/{place}.png": make_picture(np.zeros((4, 4), np.uint8)) for label in "ab" for place in range(6)}
    found = read_pictures(make_zip({**files, **litter, "__MACOSX/a/._0.png": b"x", "Thumbs.db": b"x"}))
    assert found.class_names == ("a", "b")
    assert set(found.left_out) == {*litter, "__MACOSX/a/._0.png", "Thumbs.db"}


def test_paths_that_windows_wrote_are_paths() -> None:
    files = {f"{label}\\{place}.png": make_picture(np.zeros((4, 4), np.uint8)) for label in "ab" for place in range(6)}
    assert read_pictures(make_zip(files)).class_names == ("a", "b")


@pytest.mark.parametrize(("orientation", "shape"), [(1, (1, 4, 6)), (6, (1, 6, 4)), (8, (1, 6, 4))])
def test_a_picture_is_turned_as_its_camera_says(orientation: int, shape: tuple[int, ...]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(stream, "JPEG", exif=exif)
    files = {f"{label}/{place}.jpg": stream.getvalue() for label in "ab" for place in range(6)}
    assert read_pictures(make_zip(files)).train_x.shape[1:] == shape
