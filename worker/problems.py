"""From a problem file to tensors: load the data, cut the splits, take the forget set out, build the network."""

import hashlib
import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save
from torch import nn

from core.domain.commitments import join_digests
from core.domain.data_sets import FULL_DIGEST, parse_reference
from core.domain.errors import InvalidInput, PlatformFault
from core.problem_parts import OF_CLASSES, BatchFormat, ForgetPart, KindName, RequestKind, SplitPart
from core.problems import ProblemSpec
from core.storage import BlobStore
from sandbox.contract import SPLIT_NAMES
from sandbox.kinds.known import KINDS
from sandbox.kinds.parts import Kind
from sandbox.problems.errors import DataDamaged, DataMissing
from sandbox.problems.raw import RawData
from worker.data_sets.arrays import scale_tensors, unpack_tensors
from worker.requests import Training, choose_forget, choose_requests, list_classes, settle_classes
from worker.runner.base import NetworkRef


@dataclass(frozen=True, slots=True)
class Split:
    x: npt.NDArray[Any]  # (N, *input_shape), of the type of the kind's inputs
    y: npt.NDArray[Any]  # (N,), of the type of its targets
    ids: npt.NDArray[np.int64]  # (N,), place in the data set: training part first, then its test part

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: npt.NDArray[Any]) -> "Split":
        return Split(x=self.x[rows], y=self.y[rows], ids=self.ids[rows])


@dataclass(frozen=True, slots=True)
class Splits:
    retain: Split
    forget: Split
    validation: Split
    test: Split


@dataclass(frozen=True, slots=True)
class ForgetManifest:
    """Which examples go, in a form that can be published and compared."""

    kind: str
    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class LoadedProblem:
    spec: ProblemSpec
    num_classes: int  # outputs of the network: one where a number is learnt
    input_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    input_names: tuple[str, ...]  # of columns or tokens
    splits: Splits
    manifest: ForgetManifest
    digest: str  # of everything that training and its outputs depend on: tensors, network, recipe, pool seed
    clean_forget_y: npt.NDArray[Any]  # (N,) targets of the forget set before label noise; only shown
    request: int = 0  # place among the problem's requests: everything here is of this one

    @property
    def asked(self) -> ForgetPart:
        return self.spec.requests[self.request]

    @property
    def kind(self) -> Kind:
        return find_kind(self.spec)

    def network_ref(self) -> NetworkRef:
        network = self.spec.network
        return NetworkRef(network.package, network.options, self.num_classes, self.input_shape)


def find_kind(spec: ProblemSpec) -> Kind:
    """The kind of a problem, with the loss of its recipe."""
    kind, recipe = KINDS[spec.kind], spec.recipe
    try:
        targets = kind.targets.weigh(label_smoothing=recipe.label_smoothing, class_weights=recipe.class_weights)
    except ValueError as error:
        raise InvalidInput(f"problem {spec.slug}: {error}") from None
    return replace(kind, targets=targets)


def load_problem(
    spec: ProblemSpec, data_folder: Path | None = None, store: BlobStore | None = None, *, request: int = 0
) -> LoadedProblem:
    """Load and split for one of its requests; the same spec and data give the same splits everywhere."""
    kind = find_kind(spec)
    raw = _load_uploaded(spec, store) if spec.data.reference else _load_data(spec, data_folder)
    _check_kind(spec, raw, kind)
    classes = len(raw.class_names)
    train, validation, test = _cut(raw, spec.split)
    train = _add_label_noise(train, kind, share=spec.split.label_noise, classes=classes, seed=spec.split.seed)
    asked = Training(
        train.y, raw.train_y[train.ids], train.ids, {name: of[train.ids] for name, of in raw.groups.items()}
    )
    parts = [settle_classes(each, raw.class_names) for each in spec.requests]
    forget = parts[request]
    if len(parts) == 1:
        chosen = choose_forget(asked, forget, classes=classes)
    else:
        chosen = choose_requests(asked, parts, classes=classes)[request]
    train = _plant(train, chosen, forget, classes=classes)
    if forget.named_classes and not forget.is_part_of_class:  # what is to be gone is not asked for any more
        gone = list_classes(forget)
        validation, test = (part.take(~np.isin(part.y, gone)) for part in (validation, test))
    splits = Splits(retain=train.take(~chosen), forget=train.take(chosen), validation=validation, test=test)
    return LoadedProblem(
        spec=spec,
        num_classes=kind.targets.count_outputs(classes),
        input_shape=raw.train_x.shape[1:],
        class_names=raw.class_names,
        input_names=raw.input_names,
        splits=splits,
        manifest=make_manifest(forget.kind, splits.forget),
        digest=_training_digest(spec, splits),
        clean_forget_y=raw.train_y[splits.forget.ids],
        request=request,
    )


def load_requests(
    spec: ProblemSpec, data_folder: Path | None = None, store: BlobStore | None = None
) -> tuple[LoadedProblem, ...]:
    """The problem of each of its requests, in their order."""
    return tuple(load_problem(spec, data_folder, store, request=place) for place in range(len(spec.requests)))


def load_network(problem: LoadedProblem) -> nn.Module:
    """Build the problem's network, initialised by torch's global generator."""
    ref = problem.network_ref()
    build = _find_function("network", ref.package, "model", "build")
    try:
        network = build(ref.num_classes, ref.input_shape, **ref.options)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"problem {problem.spec.slug}: the network {ref.package!r} refuses: {error}") from None
    if not isinstance(network, nn.Module):
        raise PlatformFault(f"the network package {ref.package!r} did not build a torch module")
    return network


def check_network(problem: LoadedProblem) -> None:
    """Refuse in one line a network that does not take the problem's examples or answers with something else."""
    x, spec = problem.splits.retain.x, problem.spec
    rows = np.unique([0, int(x.reshape(len(x), -1).max(axis=1).argmax())])  # and the example with the highest token
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        network = load_network(problem).eval()
        try:
            outputs = network(torch.from_numpy(x[rows]))
        except (RuntimeError, IndexError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise InvalidInput(
                f"problem {spec.slug}: the network {spec.network.package!r} takes no {problem.kind.inputs.noun}"
                f" of shape {problem.input_shape}: {reason}"
            ) from None
    expected = (len(rows), problem.num_classes)
    if tuple(outputs.shape) != expected:
        raise InvalidInput(
            f"problem {spec.slug}: the network {spec.network.package!r} answers with {tuple(outputs.shape)}"
            f" for {len(rows)} examples; {spec.kind} needs {expected}"
        )


def pack_splits(problem: LoadedProblem) -> bytes:
    """Return exactly the tensors that enter the sandbox, as safetensors; the test set is never among them."""
    tensors: dict[str, npt.NDArray[Any]] = {}
    for name in SPLIT_NAMES:
        split: Split = getattr(problem.splits, name)
        tensors[f"{name}_x"] = np.ascontiguousarray(split.x)
        tensors[f"{name}_y"] = np.ascontiguousarray(split.y)
    return bytes(save(tensors))


def make_manifest(kind: str, forget: Split) -> ForgetManifest:
    order = np.argsort(forget.ids)
    wide = "<i8" if forget.y.dtype.kind == "i" else "<f8"
    body = forget.ids[order].astype("<i8").tobytes() + forget.y[order].astype(wide).tobytes()
    return ForgetManifest(kind=kind, count=len(forget), digest=hashlib.sha256(body).hexdigest())


def join_manifests(manifests: Sequence[ForgetManifest]) -> ForgetManifest:
    """Of all requests together; of one, its own."""
    if len(manifests) == 1:
        return manifests[0]
    kinds = dict.fromkeys(each.kind for each in manifests)
    digest = join_digests([each.digest for each in manifests])
    return ForgetManifest(kind=", ".join(kinds), count=sum(each.count for each in manifests), digest=digest)


def _load_data(spec: ProblemSpec, data_folder: Path | None) -> RawData:
    load = _find_function("data", spec.data.package, "data", "load")
    options = dict(spec.data.options)
    named = options.pop("folder", None)
    folder = data_folder if data_folder is not None else Path(str(named)) if named is not None else None
    try:
        raw = load(folder, **options)
    except (DataMissing, DataDamaged) as error:
        raise PlatformFault(f"problem {spec.slug}: {error}") from None
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"problem {spec.slug}: the data package {spec.data.package!r} refuses: {error}") from None
    if not isinstance(raw, RawData):
        raise PlatformFault(f"the data package {spec.data.package!r} did not return RawData")
    return raw


def _load_uploaded(spec: ProblemSpec, store: BlobStore | None) -> RawData:
    """An uploaded data set is its tensors' digest: whoever has the blob needs neither a database nor the upload."""
    digest = parse_reference(spec.data.reference or "").digest
    if digest is None or len(digest) < FULL_DIGEST:
        raise InvalidInput(
            f"problem {spec.slug}: the data set {spec.data.reference!r} must be named by its full digest"
        )
    if store is None or not store.has(digest):
        raise PlatformFault(f"problem {spec.slug}: the data set {spec.data.reference!r} is not in this machine's store")
    options = {name: value for name, value in spec.data.options.items() if name != "set"}
    try:
        return scale_tensors(unpack_tensors(store.get(digest)), **options)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"problem {spec.slug}: `data.options`: {error}") from None


def _check_kind(spec: ProblemSpec, raw: RawData, kind: Kind) -> None:
    """Refuse in one line what the kind of the problem and its data, batches or request do not agree on."""
    try:
        for x, y in ((raw.train_x, raw.train_y), (raw.test_x, raw.test_y)):
            kind.inputs.check(x, raw.input_names)
            kind.targets.check(y, raw.class_names)
    except ValueError as error:
        raise InvalidInput(f"problem {spec.slug}: the data are not those of {spec.kind}: {error}") from None
    if spec.evaluation.batch_format is BatchFormat.MAPPING and spec.kind is not KindName.IMAGE_CLASSIFICATION:
        raise InvalidInput(f"problem {spec.slug}: mapping batches have images and age groups, and {spec.kind} does not")
    asked = {part.kind for part in spec.requests}
    for each in sorted(asked & OF_CLASSES) if not kind.targets.has_classes else ():
        raise InvalidInput(f"problem {spec.slug}: a forget request of kind {each} needs classes; {spec.kind} has none")
    if RequestKind.POISONED in asked and kind.inputs.dtype.kind != "f":
        raise InvalidInput(f"problem {spec.slug}: {kind.inputs.noun}s of tokens cannot be blurred; ask for relabelled")


def _find_function(role: str, package: str, module: str, function: str) -> Callable[..., object]:
    # A spec's package is one lower-case identifier, so this reaches nothing outside sandbox.problems.
    name = f"sandbox.problems.{package}"
    try:
        found = importlib.import_module(f"{name}.{module}")
    except ModuleNotFoundError as error:
        if error.name not in (name, f"{name}.{module}"):
            raise PlatformFault(f"the {role} package {package!r} needs the Python package {error.name!r}") from None
        raise InvalidInput(f"there is no {role} package named {package!r}") from None
    return getattr(found, function)  # type: ignore[no-any-return]


def _cut(raw: RawData, part: SplitPart) -> tuple[Split, Split, Split]:
    available = len(raw.train_y)
    own_test = len(raw.test_y) > 0
    train_size = part.train if part.train is not None else available - part.validation
    left = available - train_size - part.validation
    if train_size < 2 or left < (0 if own_test else 1):
        raise InvalidInput(
            f"the data set has {available} training examples: too few for a training part of {max(train_size, 2)} "
            f"and {part.validation} for validation" + ("" if own_test else ", with some left for testing")
        )
    order = np.random.default_rng([part.seed, 0]).permutation(available)
    pool = Split(x=raw.train_x, y=raw.train_y, ids=np.arange(available, dtype=np.int64))
    train = pool.take(order[:train_size])
    validation = pool.take(order[train_size : train_size + part.validation])
    if not own_test:
        rows = order[train_size + part.validation :]
        return train, validation, _limit_test(pool.take(rows), part)
    ids = np.arange(available, available + len(raw.test_y), dtype=np.int64)
    return train, validation, _limit_test(Split(x=raw.test_x, y=raw.test_y, ids=ids), part)


def _limit_test(test: Split, part: SplitPart) -> Split:
    if part.test is None:
        return test
    if part.test > len(test):
        raise InvalidInput(f"a test set of {part.test} was asked for; there are {len(test)} examples for it")
    rows = np.random.default_rng([part.seed, 1]).permutation(len(test))[: part.test]
    return test.take(np.sort(rows))


def _add_label_noise(train: Split, kind: Kind, *, share: float, classes: int, seed: int) -> Split:
    if share == 0:
        return train
    rng = np.random.default_rng([seed, 2])
    rows = rng.permutation(len(train))[: round(share * len(train))]
    y = train.y.copy()
    y[rows] = kind.targets.draw_noise(train.y, len(rows), classes=classes, rng=rng)
    return replace(train, y=y)


def _plant(train: Split, chosen: npt.NDArray[np.bool_], part: ForgetPart, *, classes: int) -> Split:
    """The training part with its canaries changed, if the request asks for canaries; only they are."""
    if part.kind is RequestKind.RELABELLED:
        y = train.y.copy()
        moved = np.random.default_rng([part.seed, 5]).integers(1, classes, size=int(chosen.sum()))
        y[chosen] = (y[chosen] + moved) % classes
        return replace(train, y=y)
    if part.kind is RequestKind.POISONED:
        x = train.x.copy()
        noise = np.random.default_rng([part.seed, 6]).normal(size=x[chosen].shape)
        x[chosen] += (float(train.x.std()) * noise).astype(np.float32)
        return replace(train, x=x)
    return train


def _training_digest(spec: ProblemSpec, splits: Splits) -> str:
    said = spec.model_dump(mode="json", include={"network", "recipe"})
    said["pool_seed"] = spec.pools.seed
    if len(spec.requests) > 1:
        said["originals_of"] = len(spec.requests)  # they meet the examples in another order
    body = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name in ("retain", "forget", "test"):
        split: Split = getattr(splits, name)
        for array in (split.x, split.y):
            body.update(f"{name} {array.shape} {array.dtype.str}".encode())
            body.update(np.ascontiguousarray(array).data)
    return body.hexdigest()
