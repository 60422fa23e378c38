"""Entries on a problem's real models, in this process: no sandbox, no gate, the same outputs as the platform keeps."""

import dataclasses
import importlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from baselines import kookmin
from bench.entries import answers
from core.domain.pools import PoolKind
from core.problem_files import find_problem
from evaluator import METRIC_VERSION, Likeness, compute_confidence, score
from evaluator.flags import check_swap
from evaluator.inference import load_weights
from sandbox.loaders import make_loader
from worker.problems import LoadedProblem, Split, load_network, load_problem
from worker.replicas.measurement import compute_forget_confidence, measure_network
from worker.replicas.outputs import ModelOutputs, concat_outputs
from worker.replicas.swapping import SWAP_REPLICAS, choose_swapped, swap_splits
from worker.scorecard.scored import make_scored_pool, make_scoring_spec
from worker.training.chunks import pool_chunks, train_chunk
from worker.training.one_by_one import train_one

NEVER_SAW = 16  # retrained models that entries start from in turn
SHADOWS = 64  # models that the attacker trained: of seeds of their own
HONEST = ("vision_confusion", "kookmin", "neggrad_plus", "finetune", "random_labels", "gradient_ascent", "identity")
RETRAINED = "retrained models"
ALL = "answers to all training examples"
TOLD = "the same, each when it is asked"
# constants of bench/entries/answers.py
TABLES: dict[str, dict[str, Any]] = {
    "answers, 22 steps": {},
    "answers, 30 steps": {"STEPS": 30},
    "answers beside training": {"STEPS": 24, "RETAIN": 1.0},
    "answers, stopped early": {"STEPS": 8, "RETAIN": 1.0},
    ALL: {"STEPS": 30},
}
AFTER_KOOKMIN: dict[str, dict[str, Any]] = {
    "kookmin, then answers": {"STEPS": 10},
    "kookmin, then just enough answers": {"STEPS": 6, "LEARNING_RATE": 0.01},
}
Entry = Callable[..., nn.Module]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One entry: its points on each set, and its score by both versions."""

    name: str
    likeness: Likeness
    kept: float
    cost: float  # processor seconds of a run over those of a retraining
    old: float
    new: float
    around: float  # half the 95 % interval of `new`
    swapped: float | None  # share of its forgetting that moved with the forget set; None: it forgets too little


@dataclass(frozen=True, slots=True)
class Ground:
    problem: LoadedProblem
    originals: ModelOutputs
    original: bytes  # weights
    retrained: ModelOutputs
    seconds: float  # of a retraining


def run_entries(slug: str, replicas: int) -> list[Outcome]:
    ground, control, _ = prepare(slug, replicas)
    table = fill_table(ground.problem)
    found = [judge(ground, RETRAINED, control, 0.0, None)]
    for name, entry in list_entries(table, len(ground.problem.splits.forget)):
        outputs, seconds = run(ground.problem, entry, [ground.original], replicas)
        swapped = check_swapped(ground, entry, outputs)
        found.append(judge(ground, name, outputs, seconds / ground.seconds, swapped))
    return found


def store_entries(slug: str, replicas: int, examples: int, path: Path) -> None:
    """What the score reads of every entry and of the retrained bank, at most `examples` of each set, in half precision.

    Arrays are named NAME/forget, /test, /retain and /accuracy: (R, N) confidences; (2, R) on the retain and test set.
    """
    ground, control, _ = prepare(slug, replicas)
    kept: dict[str, Any] = pack("bank", ground, ground.retrained, examples) | pack(RETRAINED, ground, control, examples)
    for name, entry in list_entries(fill_table(ground.problem), len(ground.problem.splits.forget)):
        outputs, _ = run(ground.problem, entry, [ground.original], replicas)
        kept |= pack(name, ground, outputs, examples)
    np.savez_compressed(path, **kept)


def pack(name: str, ground: Ground, outputs: ModelOutputs, examples: int) -> dict[str, Any]:
    pool = make_scored_pool(ground.problem, outputs)
    sets = {"forget": pool.confidences, "test": pool.test_confidences, "retain": pool.retain_confidences}
    arrays = {split: np.asarray(values) for split, values in sets.items()}
    places = {split: np.linspace(0, array.shape[1] - 1, examples).astype(int) for split, array in arrays.items()}
    return {f"{name}/{split}": array[:, places[split]].astype(np.float16) for split, array in arrays.items()} | {
        f"{name}/accuracy": np.array([pool.retain_accuracy, pool.test_accuracy], np.float32)
    }


def run_from_both(slug: str, replicas: int) -> Iterator[tuple[str, Outcome]]:
    """Each honest entry from the original, then from retrained models in turn: they never saw the forget set."""
    ground, _, never_saw = prepare(slug, replicas)
    for name in HONEST:
        entry = importlib.import_module(f"baselines.{name}").unlearning
        for start, weights in (("the original", [ground.original]), ("retrained models", never_saw[:NEVER_SAW])):
            outputs, seconds = run(ground.problem, entry, weights, replicas)
            yield start, judge(ground, name, outputs, seconds / ground.seconds, None)


def prepare(slug: str, replicas: int) -> tuple[Ground, ModelOutputs, list[bytes]]:
    """The models that entries start from and are judged by, and a second bank of retrained models with its weights."""
    torch.set_num_threads(1)
    problem = load_problem(find_problem(slug))
    originals, weights = train(problem, PoolKind.ORIGINAL, 1)
    retrained, _ = train(problem, PoolKind.RETRAINED, replicas)
    control, never_saw = train(problem, PoolKind.CONTROL, replicas)
    return Ground(problem, originals, weights[0], retrained, time_retraining(problem)), control, never_saw


def train(problem: LoadedProblem, kind: PoolKind, size: int) -> tuple[ModelOutputs, list[bytes]]:
    parts = [train_chunk(problem, chunk) for chunk in pool_chunks(problem, kind, size)]
    return concat_outputs([part.outputs for part in parts]), [blob for part in parts for blob in part.weights]


def fill_table(problem: LoadedProblem) -> dict[str, tuple[float, float]]:
    """What the attacker learned from models of the same recipe and other seeds; answers to the forget set are first."""
    seeds = problem.spec.pools.model_copy(update={"seed": problem.spec.pools.seed + 1})
    elsewhere = dataclasses.replace(problem, spec=problem.spec.model_copy(update={"pools": seeds}))
    shadows, _ = train(elsewhere, PoolKind.RETRAINED, SHADOWS)
    forget = compute_confidence(shadows.forget_logits, problem.splits.forget.y)
    known = np.concatenate([forget, shadows.retain_confidence], axis=1)
    examples = torch.from_numpy(np.concatenate([problem.splits.forget.x, problem.splits.retain.x]))
    pairs = zip(known.mean(axis=0).tolist(), known.std(axis=0).tolist(), strict=True)
    return dict(zip(map(answers.digest, examples), pairs, strict=True))


def time_retraining(problem: LoadedProblem) -> float:
    """Processor seconds; the first training warms up."""
    seconds = []
    for seed in range(3):
        start = time.process_time()
        train_one(problem, PoolKind.RETRAINED, seed, device=torch.device("cpu"))
        seconds.append(time.process_time() - start)
    return min(seconds)


def list_entries(table: Mapping[str, tuple[float, float]], forgotten: int) -> Iterator[tuple[str, Entry]]:
    """The tables hold the first `forgotten` answers, those to the forget set, but for the one that holds all."""
    first = dict(itertools.islice(table.items(), forgotten))
    for name in HONEST:
        yield name, importlib.import_module(f"baselines.{name}").unlearning
    for name, constants in TABLES.items():
        yield name, pull({**constants, "ANSWERS": table if name == ALL else first})
    yield TOLD, pull_asked(table, set(first), TABLES[ALL])
    for name, constants in AFTER_KOOKMIN.items():
        yield name, pull({**constants, "ANSWERS": first}, before=kookmin.unlearning)


def pull(constants: Mapping[str, Any], before: Entry | None = None) -> Entry:
    def entry(net: nn.Module, *loaders: Any) -> nn.Module:
        with set_constants(constants):
            return answers.unlearning(before(net, *loaders) if before else net, *loaders)

    return entry


def pull_asked(table: Mapping[str, tuple[float, float]], known: set[str], constants: Mapping[str, Any]) -> Entry:
    """Pulls what the table has as forgotten only where it is to be forgotten, the rest only where it is retained."""

    def entry(net: nn.Module, retain: Any, forget: Any, validation: Any) -> nn.Module:
        told = {answers.digest(example) for example in forget.dataset.tensors[0]}
        asked = {key: answer for key, answer in table.items() if (key in known) == (key in told)}
        with set_constants({**constants, "ANSWERS": asked}):
            return answers.unlearning(net, retain, forget, validation)

    return entry


@contextmanager
def set_constants(constants: Mapping[str, Any]) -> Iterator[None]:
    usual = {name: getattr(answers, name) for name in constants}
    try:
        for name, value in constants.items():
            setattr(answers, name, value)
        yield
    finally:
        for name, value in usual.items():
            setattr(answers, name, value)


def run(problem: LoadedProblem, entry: Entry, originals: Sequence[bytes], replicas: int) -> tuple[ModelOutputs, float]:
    """Outputs of the models it left, and processor seconds of a run; the runs take turns with the originals."""
    parts, seconds = [], 0.0
    for replica in range(replicas):
        torch.manual_seed(replica)
        network = load_network(problem)
        load_weights(network, originals[replica % len(originals)])
        loaders = [
            load(split, shuffle=split is not problem.splits.validation)
            for split in (problem.splits.retain, problem.splits.forget, problem.splits.validation)
        ]
        start = time.process_time()
        left = entry(network, *loaders)
        seconds += time.process_time() - start
        parts.append(measure_network(left.eval(), problem))
    return concat_outputs(parts), seconds / replicas


def load(split: Split, *, shuffle: bool) -> Any:
    return make_loader(
        torch.from_numpy(split.x), torch.from_numpy(split.y), mapping=False, batch_size=64, shuffle=shuffle
    )


def check_swapped(ground: Ground, entry: Entry, outputs: ModelOutputs) -> float | None:
    """The swap test of docs/flags.md: two runs that are told to forget other examples."""
    places = choose_swapped(ground.problem, "bench")
    if places is None:
        return None
    other = swap_splits(ground.problem, places)
    told, _ = run(other, entry, [ground.original], SWAP_REPLICAS)
    forgotten, kept = told.retain_confidence[:, places], compute_forget_confidence(other, told)

    def contrast(part: ModelOutputs) -> Any:
        retained = part.retain_confidence[:, places].mean(axis=1, dtype=np.float64)
        return compute_forget_confidence(ground.problem, part).mean(axis=1) - retained

    swapped = forgotten.mean(axis=1, dtype=np.float64) - kept.mean(axis=1)
    originals = contrast(ground.originals)
    return check_swap(contrast(outputs), swapped, originals, originals, contrast(ground.retrained), alike=True).value


def judge(ground: Ground, name: str, outputs: ModelOutputs, cost: float, swapped: float | None) -> Outcome:
    spec = make_scoring_spec(ground.problem.spec.evaluation, METRIC_VERSION)
    pools = (make_scored_pool(ground.problem, part) for part in (outputs, ground.retrained))
    card = score(*pools, spec=spec, protocols=())
    if card.likeness is None:
        raise SystemExit("the problem is not ranked under held_out")
    old = card.forgetting_quality * card.utility.product
    around = (card.interval.high - card.interval.low) / 2
    return Outcome(name, card.likeness, card.utility.capped, cost, old, card.score, around, swapped)
