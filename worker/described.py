"""A problem as its participants meet it: what a batch is, what the numbers mean, what the network is called."""

from collections.abc import Iterator, Sequence

from core.problem_parts import BatchFormat, RecipePart
from core.problems import ProblemSpec
from core.settings import Settings
from core.stores import open_store
from worker.problems import LoadedProblem, load_network, load_problem

SHOWN_NAMES = 12
SHOWN_LAYERS = 16
FORMS = {
    BatchFormat.PAIR: "(x, y)",
    BatchFormat.MAPPING: "a mapping with image (x), age_group (y), image_id (text), age, person_id, as in 2023",
}


def describe_problem(spec: ProblemSpec, settings: Settings) -> dict[str, str]:
    """Words by title, in the order they are read; the data has to be on this machine."""
    problem = load_problem(spec, settings.dataset_folder, open_store(settings))
    return dict(_describe(problem))


def _describe(problem: LoadedProblem) -> Iterator[tuple[str, str]]:
    spec, splits = problem.spec, problem.splits
    rules, recipe = spec.evaluation, spec.recipe
    yield "about", spec.summary
    yield "kind", spec.kind.replace("_", " ")
    yield "batches", f"{FORMS[rules.batch_format]}; {rules.batch_size} examples, retain and forget shuffled"
    yield "x", f"{splits.retain.x.dtype} of {'×'.join(map(str, problem.input_shape))}, {_describe_inputs(problem)}"
    yield "y", f"{splits.retain.y.dtype}, {_describe_targets(problem)}"
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
    yield "originals", "one for all replicas" if spec.pools.originals == 1 else f"{spec.pools.originals}"
    yield (
        "budget",
        f"{rules.compute_budget:.0%} of a retraining in {rules.replicas} replicas; `lacuna doctor FILE --problem"
        f" {spec.slug}` measures how many seconds that is here",
    )
    yield (
        "limits",
        f"{rules.memory_bytes >> 20:,} MiB of memory, {rules.scratch_bytes >> 20:,} MiB of scratch files,"
        f" {rules.data_bytes:,} bytes of data beside code,"
        f" native code {'allowed' if rules.allow_native else 'refused'}",
    )


def _describe_rest(recipe: RecipePart) -> str:
    """What only some recipes have."""
    said = recipe.model_dump(mode="json", include={"warmup_epochs", "milestones", "label_smoothing", "class_weights"})
    return "".join(f", {name.replace('_', ' ')} {value}" for name, value in said.items())


def _describe_inputs(problem: LoadedProblem) -> str:
    x, names = problem.splits.retain.x, problem.input_names
    if x.dtype.kind == "i":
        return f"tokens of a vocabulary of {len(names):,}; 0 fills up"
    scale = _describe_scale(float(x.min()), float(x.max()))
    return f"{scale}; columns {_list_names(names)}" if names else scale


def _describe_targets(problem: LoadedProblem) -> str:
    if problem.kind.targets.has_classes:
        return f"{len(problem.class_names)} classes: {_list_names(problem.class_names)}"
    y = problem.splits.retain.y
    return f"a number, {float(y.min()):.4g} to {float(y.max()):.4g}; the network answers with one"


def _list_names(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN_NAMES]) + (", …" if len(names) > SHOWN_NAMES else "")


def _describe_scale(low: float, high: float) -> str:
    if low >= 0 and high > 1.5:
        return f"values from {low:g} to {high:g}, not scaled"
    if low >= 0:
        return f"values from {low:g} to {high:g}"
    return f"standardised, values from {low:.2f} to {high:.2f}"
