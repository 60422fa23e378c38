"""`lacuna problem`: what there is to unlearn and what a submission gets of it, and building its pools."""

from typing import Annotated, Any

import typer

from cli.show.console import make_console, print_json, print_line
from cli.show.lazy import load
from cli.show.options import JsonOption
from cli.show.tables import make_table
from client.progress import StageProgress
from core.problem_files import find_problem, list_problems
from core.settings import get_settings

problem_app = typer.Typer(no_args_is_help=True, help="List problems and build their pools.")


@problem_app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the problems on this machine."""
    specs = list_problems()
    if as_json:
        print_json([{"slug": spec.slug, "title": spec.title, "summary": spec.summary} for spec in specs])
        return
    table = make_table()
    for name in ("problem", "title", "replicas", "budget", "summary"):
        table.add_column(name, no_wrap=name == "problem")
    for spec in specs:
        rules = spec.evaluation
        table.add_row(spec.slug, spec.title, str(rules.replicas), f"{rules.compute_budget:.0%}", spec.summary)
    make_console().print(table)


@problem_app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="PROBLEM", help="A problem's name or a problem file.")],
    as_json: JsonOption = False,
) -> None:
    """Show what a submission gets: batches, values, classes, the network and its layers, the recipe, the limits."""
    spec = find_problem(name)
    found: dict[str, str] = load("worker.described", "describe_problem")(spec, get_settings())
    if as_json:
        print_json({"slug": spec.slug, "title": spec.title, **found})
        return
    print_line(f"{spec.slug}: {spec.title}")
    for title, text in found.items():
        print_line(f"{title}: {text}")


@problem_app.command()
def build(
    name: Annotated[str, typer.Argument(metavar="PROBLEM", help="A problem's name or a problem file.")],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes to train with (default: one per core).")] = None,
) -> None:
    """Train the pools of a problem; what is already trained is kept."""
    spec = find_problem(name)
    settings = get_settings()
    sizes: dict[Any, int] = load("worker.training.pools", "pool_sizes")(spec)
    trained = _build(spec, sizes, settings, workers or settings.workers)
    total = sum(sizes.values()) * len(spec.requests)
    if trained:
        print_line(f"{spec.slug}: trained {trained} of {total} models, kept in {settings.store_folder}")
    else:
        print_line(f"{spec.slug}: already built, {total} models in {settings.store_folder}")


@problem_app.command()
def hardest(
    name: Annotated[str, typer.Argument(metavar="PROBLEM", help="A problem's name or a problem file.")],
    fraction: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the training part.")] = 0.1,
    models: Annotated[int, typer.Option(min=2, help="Models of each kind to a quarter of the examples.")] = 16,
    as_json: JsonOption = False,
) -> None:
    """Find the most memorised training examples; prints the `[forget]` table that asks for them."""
    spec = find_problem(name)
    settings = get_settings()
    store = load("core.storage", "FolderStore")(settings.store_folder)
    problem = load("worker.problems", "load_problem")(spec, settings.dataset_folder, store)
    with StageProgress() as progress:
        found = load("worker.training.hardest", "rank_memorised")(
            problem,
            models,
            device=settings.device,
            on_progress=lambda done, total: progress.update("quarters", done, total),
        )
    count = max(1, round(fraction * len(found.ids)))
    ids, gaps = sorted(found.ids[:count].tolist()), found.gaps[:count].tolist()
    if as_json:
        print_json({"forget": {"kind": "hardest", "ids": ids}, "gaps": gaps})
        return
    print_line(f"# {count} of {len(found.ids)} examples, gaps of {gaps[-1]:.2f} to {gaps[0]:.2f} nats of confidence")
    print_line(f'[forget]\nkind = "hardest"\nids = {ids}')


def _build(spec: Any, sizes: dict[Any, int], settings: Any, workers: int) -> int:
    """Return how many models had to be trained."""
    store = load("core.storage", "FolderStore")(settings.store_folder)
    problems = load("worker.problems", "load_requests")(spec, settings.dataset_folder, store)
    plan = load("worker.training.pools", "TrainingPlan")(workers=workers, device=settings.device)
    return sum(_build_request(problem, sizes, store, plan) for problem in problems)


def _build_request(problem: Any, sizes: dict[Any, int], store: Any, plan: Any) -> int:
    missing: list[int] = []
    with StageProgress() as progress:

        def show(done: int, total: int) -> None:
            missing.append(total - done)
            if missing[0]:
                progress.update("models", done, total)

        load("worker.training.pools", "ensure_pools")(problem, sizes, store, on_progress=show, plan=plan)
    return missing[0]
