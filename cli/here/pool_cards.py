"""`lacuna pool`: what a problem's pools are made of, in one file that others score against."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.show.console import print_json, print_line, print_note
from cli.show.files import check_writable
from cli.show.lazy import load
from cli.show.options import JsonOption
from client.failures import CommandFailed, Exit
from core.domain.errors import InvalidInput
from core.problem_files import find_problem, list_problems
from core.problems import ProblemSpec, require_one_request
from core.settings import get_settings

pool_app = typer.Typer(no_args_is_help=True, help="Hand on trained pools as one file: a pool card.")
TOLERANCE = 1e-3  # of a logit: the same machine gives the same bits, another one nearly

CardArgument = Annotated[Path, typer.Argument(metavar="CARD", help="A pool card, as `lacuna pool export` writes it.")]
OfProblem = Annotated[str, typer.Option("--problem", help="Its problem, where no shipped one has its name.")]


@pool_app.command("export")
def export(
    problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="A problem's name or a problem file.")],
    out: Annotated[Path | None, typer.Option(help="Where the card goes.", show_default="PROBLEM-pools.zip")] = None,
    weights: Annotated[bool, typer.Option("--weights", help="With the originals' weights beside the outputs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the outputs of a problem's trained pools into one file, with recipe, seeds, digests and versions."""
    spec = find_problem(problem)
    target = out or Path(f"{spec.slug}-pools.zip")
    check_writable(target)
    loaded, store = _open(spec)
    card = load("worker.training.cards", "export_card")(loaded, store, target, with_weights=weights)
    _say(card, {"file": str(target), "bytes": target.stat().st_size}, as_json, f"{target}: {_describe(card)}")


@pool_app.command("import")
def import_(card: CardArgument, problem: OfProblem = "", as_json: JsonOption = False) -> None:
    """Take pools from a card, after the checks of `verify`; pools of this machine are never replaced."""
    with load("worker.training.cards", "open_card")(card) as opened:
        loaded, store = _open(_find_spec(opened.card, problem))
        kept = load("worker.training.cards", "import_card")(opened, loaded, store)
        told = f"{kept} of {opened.card.models} models are new here"
        _say(opened.card, {"imported": kept}, as_json, f"{_describe(opened.card)}; {told}")


@pool_app.command("verify")
def verify(
    card: CardArgument,
    problem: OfProblem = "",
    members: Annotated[int, typer.Option(min=0, help="Retrained models to train again and compare.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Check that a card is whole, of this problem, and of the seeds that the problem names."""
    with load("worker.training.cards", "open_card")(card) as opened:
        loaded, _ = _open(_find_spec(opened.card, problem))
        load("worker.training.cards", "check_card")(opened, loaded)
        found: dict[str, Any] = {"retrained": members}
        told = "; whole, and of this problem"
        if members:
            device = get_settings().device
            found["difference"] = load("worker.training.cards", "retrain_some")(opened, loaded, members, device=device)
            told += f"; {members} models trained again differ by {found['difference']:.2g} in a logit at most"
        _say(opened.card, found, as_json, _describe(opened.card) + told)
    if found.get("difference", 0.0) > TOLERANCE:
        raise CommandFailed(
            f"models trained here differ from the card's by up to {found['difference']:.3g}",
            exit_code=Exit.FAILED,
            hint="another processor or torch version may explain it; within one they agree to the bit",
        )


def take_card(card: Path, spec: ProblemSpec) -> None:
    """For a command that goes on to score against the pools."""
    with load("worker.training.cards", "open_card")(card) as opened:
        load("worker.training.cards", "import_card")(opened, *_open(spec))


def offer_card(report: Callable[[str, int, int], None]) -> Callable[[str, int, int], None]:
    """The same progress; before models are trained it is said once that a card would spare that."""
    said = False

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal said
        if stage == "pools" and done < total and not said:
            said = True
            print_note(f"{total - done} models are trained first; a pool card spares that: lacuna pool import CARD")
        report(stage, done, total)

    return tell


def _open(spec: ProblemSpec) -> tuple[Any, Any]:
    require_one_request(spec, "a pool card")
    settings = get_settings()
    store = load("core.storage", "FolderStore")(settings.store_folder)
    return load("worker.problems", "load_problem")(spec, settings.dataset_folder, store), store


def _find_spec(card: Any, problem: str) -> ProblemSpec:
    if problem:
        return find_problem(problem)
    known = {spec.slug: spec for spec in list_problems()}
    if card.slug not in known:
        raise InvalidInput(f"there is no problem {card.slug!r} here: name its file with --problem")
    return known[card.slug]


def _describe(card: Any) -> str:
    sizes = ", ".join(f"{sum(len(chunk.seeds) for chunk in chunks)} {kind}" for kind, chunks in card.pools.items())
    weights = "with" if card.has_weights else "without"
    return f"{card.title}: {sizes} models, {weights} the originals' weights, torch {card.versions.get('torch', '?')}"


def _say(card: Any, found: dict[str, Any], as_json: bool, line: str) -> None:
    if as_json:
        facts = card.model_dump(mode="json", include={"slug", "training_digest", "versions", "has_weights"})
        print_json({**facts, "models": card.models, **found})
    else:
        print_line(line)
