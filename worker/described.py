"""A problem as its participants meet it: what a batch is, what the numbers mean, what the network is called."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from core.domain.durations import show_duration
from core.problem_parts import BatchFormat, RecipePart
from core.problems import ProblemSpec
from core.settings import Settings
from core.stores import open_store
from worker.problems import LoadedProblem, Split, load_network, load_problem
from worker.scorecard.kept_cost import find_retrain_seconds

SHOWN_NAMES = 12
SHOWN_LAYERS = 16
WHITE = 255
FORMS = {
    BatchFormat.PAIR: "(x, y)",
    BatchFormat.MAPPING: "a mapping with image (x), age_group (y), image_id (text), age, person_id, as in 2023",
}


def describe_problem(spec: ProblemSpec, settings: Settings) -> dict[str, str]:
    """Words by title, in the order they are read; the data has to be on this machine."""
    store = open_store(settings)
    problem = load_problem(spec, settings.dataset_folder, store)
    rules, seconds = spec.evaluation, find_retrain_seconds(problem, settings, store)
    here = (
        f"about {show_duration(rules.compute_budget * seconds)} a replica on this machine"
        if seconds
        else f"`lacuna doctor FILE --problem {spec.slug}` measures how many seconds that is here"
    )
    return {
        "about": spec.summary,
        **describe(problem),
        "budget": f"{rules.compute_budget:.0%} of a retraining in {rules.replicas} replicas; {here}",
        "limits": (
            f"{rules.memory_bytes >> 20:,} MiB of memory, {rules.scratch_bytes >> 20:,} MiB of scratch files,"
            f" {rules.data_bytes:,} bytes of data beside code,"
            f" native code {'allowed' if rules.allow_native else 'refused'}"
        ),
    }


def describe(problem: LoadedProblem) -> dict[str, str]:
    """What it takes its data and its network to tell; core/domain/exposure.py says who reads what of a hidden one."""
    return dict(_describe(problem))


def count_classes(problem: LoadedProblem) -> dict[str, Any]:
    """How many examples of each class every split has; of all together where there are no classes."""
    splits, names = problem.splits, list(problem.class_names)
    parts = {"retain": splits.retain, "forget": splits.forget, "validation": splits.validation, "test": splits.test}
    if not problem.kind.targets.has_classes:
        return {"classes": names, "counts": {name: [len(part)] for name, part in parts.items()}}
    counts = {name: np.bincount(part.y, minlength=len(names)).tolist() for name, part in parts.items()}
    return {"classes": names, "counts": counts}


def _describe(problem: LoadedProblem) -> Iterator[tuple[str, str]]:
    spec, splits = problem.spec, problem.splits
    rules, recipe = spec.evaluation, spec.recipe
    yield "kind", spec.kind.replace("_", " ")
    yield "batches", f"{FORMS[rules.batch_format]}; {rules.batch_size} examples, retain and forget shuffled"
    yield "x", f"{splits.retain.x.dtype} of {'×'.join(map(str, problem.input_shape))}, {_describe_scale(splits.retain)}"
    yield "y", f"{splits.retain.y.dtype}, {_describe_targets(problem)}"
    yield "values", _describe_values(problem)
    if problem.kind.targets.has_classes:
        yield "classes", _list_names(problem.class_names)
    sizes = (f"{name} {len(getattr(splits, name)):,}" for name in ("retain", "forget", "validation", "test"))
    yield "examples", ", ".join(sizes)
    network = load_network(problem)
    count = sum(parameter.numel() for parameter in network.parameters())
    layers = [name for name, _ in network.named_children()]
    yield "network", f"{type(network).__name__} of the package {spec.network.package}, {count:,} parameters"
    yield "layers", ", ".join(layers[:SHOWN_LAYERS]) + (", …" if len(layers) > SHOWN_LAYERS else "")
    yield (
        "recipe",
        f"{recipe.epochs} epochs of batches of {recipe.batch_size}, {recipe.optimizer} with learning rate"
        f" {recipe.learning_rate:g}, momentum {recipe.momentum:g}, weight decay {recipe.weight_decay:g},"
        f" {recipe.schedule.replace('_', ' ')} schedule{_describe_rest(recipe)}",
    )
    originals, requests = spec.pools.originals, len(spec.requests)
    how = "" if spec.pools.scored is None else f", scored {spec.pools.scored}"
    yield "originals", "one for all replicas" if originals == 1 else f"{originals}{how}"
    if requests > 1:
        yield "requests", f"{requests}, each run and scored apart; figures here are of the first"


def _describe_rest(recipe: RecipePart) -> str:
    """What only some recipes have."""
    said = recipe.model_dump(mode="json", include={"warmup_epochs", "milestones", "label_smoothing", "class_weights"})
    return "".join(f", {name.replace('_', ' ')} {value}" for name, value in said.items())


def _describe_scale(part: Split) -> str:
    """No figure that would tell one data set from another."""
    if part.x.dtype.kind == "i":
        return "tokens"
    low, high = float(part.x.min()), float(part.x.max())
    if low < 0:
        return "standardised"
    return "not scaled, from 0 to 255" if 1.5 < high <= WHITE else "from 0 to 1" if high <= 1 else "not scaled"


def _describe_values(problem: LoadedProblem) -> str:
    x, y, names = problem.splits.retain.x, problem.splits.retain.y, problem.input_names
    if x.dtype.kind == "i":
        return f"a vocabulary of {len(names):,}; 0 fills up"
    spread = f"x from {float(x.min()):.3g} to {float(x.max()):.3g}"
    target = "" if problem.kind.targets.has_classes else f", y from {float(y.min()):.4g} to {float(y.max()):.4g}"
    return f"{spread}{target}" + (f"; columns {_list_names(names)}" if names else "")


def _describe_targets(problem: LoadedProblem) -> str:
    if problem.kind.targets.has_classes:
        return f"{len(problem.class_names)} classes"
    return "a number; the network answers with one"


def _list_names(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN_NAMES]) + (", …" if len(names) > SHOWN_NAMES else "")
