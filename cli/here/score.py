"""`lacuna score`: published pools scored from their files, without a platform, a problem or a network."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.show.console import make_console, print_json, print_line, print_note
from cli.show.files import check_writable, write_report
from cli.show.numbers import show_interval, show_score
from cli.show.tables import make_table
from client.failures import CommandFailed, Exit
from core.domain.errors import InvalidInput
from evaluator import Attack, InvalidPool, ScoringProtocol
from evaluator.spec import DEFAULT_ATTACKS, HELD_OUT_ATTACKS
from worker.published.page import KLOM_TEXT, render_published_report
from worker.published.reading import Originals, PublishedPool, check_labels, read_labels, read_pool, settle_originals
from worker.published.record import Estimate, KlomLine, PublishedScore, dump_published
from worker.published.score import NOT_STATED, Accuracies, PublishedPools, score_published

PLACE = "FILE, FILE:KEY or a folder with one file a model (.npy, .npz, .safetensors, .pt, .pth)"
Outputs = Annotated[str, typer.Option(help="Its outputs there, logits with labels beside them or margins.")]
Fraction = Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Mean accuracy, a fraction.")]


def score(
    unlearned: Annotated[str, typer.Option(help=f"Margins (R, N) or logits (R, N, K): {PLACE}.", show_default=False)],
    retrained: Annotated[str, typer.Option(help="The same of models retrained without the forget set.")],
    labels: Annotated[str, typer.Option(help="True classes (N,), for logits.")] = "",
    control: Annotated[str, typer.Option(help="A second bank of retrained models: ceiling and noise floor.")] = "",
    originals: Annotated[Originals | None, typer.Option(help="What the unlearned models started from.")] = None,
    protocol: Annotated[ScoringProtocol, typer.Option(help="The one that the score is under.")] = (
        ScoringProtocol.held_out
    ),
    attacks: Annotated[
        str, typer.Option(help=f"What held_out chooses from, of {', '.join(HELD_OUT_ATTACKS)}.")
    ] = ",".join(DEFAULT_ATTACKS),
    retain_unlearned: Fraction = None,
    test_unlearned: Fraction = None,
    retain_retrained: Fraction = None,
    test_retrained: Fraction = None,
    unlearned_retain: Outputs = "",
    retrained_retain: Outputs = "",
    unlearned_test: Outputs = "",
    retrained_test: Outputs = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.", show_default=False)] = None,
) -> None:
    """Score pools of margins or logits that anyone published: epsilons, forgetting quality, KLOM, U-LiRA."""
    accuracies = _gather(retain_unlearned, test_unlearned, retain_retrained, test_retrained)
    if report is not None:
        check_writable(report)
    try:
        pools = replace(
            _read(unlearned, retrained, control, labels),
            retain=_read_pair("retain", unlearned_retain, retrained_retain),
            test=_read_pair("test", unlearned_test, retrained_test),
        )
        given = (pools.unlearned, pools.retrained, *([pools.control] if pools.control else []))
        settled = settle_originals(originals, *given)
        record = score_published(
            pools, originals=settled, protocol=protocol, attacks=_parse_attacks(attacks), accuracies=accuracies
        )
    except InvalidPool as error:
        raise CommandFailed(str(error), exit_code=Exit.REJECTED) from None
    if report is not None:
        write_report(report, render_published_report(record, title=Path(unlearned).name))
    if as_json:
        print_json({**dump_published(record), "report": str(report) if report else None})
        return
    _print_record(record)
    if report is not None:
        print_line(f"report: {report}")


def _parse_attacks(text: str) -> tuple[Attack, ...]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in HELD_OUT_ATTACKS]
    if unknown:
        raise InvalidInput(f"no such attack: {', '.join(unknown)}; there are {', '.join(HELD_OUT_ATTACKS)}")
    return tuple(map(Attack, names))


def _gather(*values: float | None) -> Accuracies | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    if len(known) < len(values):
        raise InvalidInput(
            "a score needs all of --retain-unlearned, --test-unlearned, --retain-retrained and --test-retrained"
        )
    return Accuracies(*known)


def _read(unlearned: str, retrained: str, control: str, labels: str) -> PublishedPools:
    classes = read_labels(labels) if labels else None
    left, right, *rest = (
        read_pool(place, labels=classes) for place in (unlearned, retrained, *([control] if control else []))
    )
    pools = PublishedPools(left, right, rest[0] if rest else None)
    check_labels(left, right, *rest)
    made_from = {pool.made_from for pool in (left, right, *rest)}
    if len(made_from) > 1:
        print_note("margins are compared with margins: those of the logits were computed")
    if labels and made_from == {"margins"}:
        raise InvalidPool(f"labels are for logits (models, examples, classes); {unlearned} holds margins")
    return pools


def _read_pair(name: str, unlearned: str, retrained: str) -> tuple[PublishedPool, PublishedPool] | None:
    """Outputs of both sides on one more set of examples."""
    if not unlearned and not retrained:
        return None
    if not unlearned or not retrained:
        raise InvalidInput(f"--unlearned-{name} and --retrained-{name} go together")
    pair = read_pool(unlearned), read_pool(retrained)
    check_labels(*pair)
    if pair[0].confidences.shape[1] != pair[1].confidences.shape[1]:
        raise InvalidPool(f"{unlearned} and {retrained} are of different numbers of examples")
    return pair


def _print_record(record: PublishedScore) -> None:
    console = make_console()
    for table in (
        _render_summary(record),
        _render_protocols(record),
        _render_families(record),
        _render_metrics(record),
        *([_render_literature(record)] if record.literature else []),
    ):
        console.print(table)
        console.print()
    sizes = {name: pool.replicas for name, pool in record.pools.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{count} {name}" for name, count in sizes.items())
        print_note(f"the pools differ in size ({told}); the published KLOM code takes equal sizes only")
    if record.originals == NOT_STATED:
        print_note(
            "pools of one original and of many do not compare: say which with --originals "
            "(scores under the two must not stand in one column)"
        )


def _render_summary(record: PublishedScore) -> Table:
    quality, control, estimate = record.forgetting_quality, record.control, record.score
    table = make_table(show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_column(style="dim")
    models = ", ".join(f"{pool.replicas} {name}" for name, pool in record.pools.items())
    table.add_row("models", models, f"{record.examples} examples")
    table.add_row("originals", record.originals, "what the unlearned models started from")
    if estimate is not None:
        table.add_row("score", _show_estimate(estimate), f"utility {show_score(estimate.utility)}")
    table.add_row(
        "forgetting quality", _show_estimate(quality), f"{record.ranked_by}, {100 * quality.level:.0f} % interval"
    )
    if control is not None:
        table.add_row("ceiling", _show_estimate(control), "the control pool in its place")
    return table


def _show_estimate(found: Estimate) -> str:
    return show_interval(found.estimate, found.low, found.high)


def _render_protocols(record: PublishedScore) -> Table:
    table = make_table()
    for title in ("protocol", "quality", "median ε", "mean ε", "p95 ε", "attack that won: examples"):
        table.add_column(title)
    for name, found in record.protocols.items():
        epsilon = found.epsilon
        attacks = ", ".join(f"{attack}: {count}" for attack, count in found.attacks.items())
        numbers = [f"{value:.2f}" for value in (epsilon.median, epsilon.mean, epsilon.p95)]
        table.add_row(name, show_score(found.forgetting_quality), *numbers, attacks)
    return table


def _render_families(record: PublishedScore) -> Table:
    table = make_table()
    for title in ("attack alone, held_out", "median ε", "mean ε", ""):
        table.add_column(title, style="dim" if not title else "")
    for name, found in record.alone.items():
        note = "" if name in record.attacks else "not chosen from (--attacks)"
        table.add_row(name, f"{found.median:.2f}", f"{found.mean:.2f}", note)
    return table


def _render_metrics(record: PublishedScore) -> Table:
    table = make_table()
    for title in ("metric", "mean ± 95 %", "p95", ""):
        table.add_column(title, style="dim" if not title else "")
    for name, text in KLOM_TEXT.items():
        found: KlomLine = getattr(record.klom, name)
        mean = show_interval(found.mean, found.mean_low, found.mean_high)
        table.add_row(name, mean, show_score(found.p95), text)
    excess, ulira = record.klom.klom_excess, record.u_lira
    if excess is not None:
        floor = f"over the floor {excess.floor_mean:.3f} of {excess.floor_from}"
        sizes = f"{excess.unlearned_replicas} and {excess.retrained_replicas} models"
        mean = show_interval(excess.mean, excess.mean_low, excess.mean_high)
        table.add_row("klom_excess", mean, show_score(excess.p95), f"{floor}, {sizes}")
    if ulira is not None:
        accuracy = show_interval(ulira.accuracy, ulira.accuracy_low, ulira.accuracy_high)
        rate = f"TPR {ulira.true_positive_rate:.3f} at FPR {ulira.false_positive_rate:g}"
        table.add_row("U-LiRA accuracy", accuracy, "", f"AUC {ulira.auc:.3f}, {rate}; 0.5: none")
    return table


def _render_literature(record: PublishedScore) -> Table:
    table = make_table()
    for title in ("literature", "unlearned", "retrained", "gap", ""):
        table.add_column(title, justify="left" if title in ("literature", "") else "right")
    for found in record.literature:
        value = show_score(found.value)
        if found.standard_error is not None:
            value += f" ± {show_score(found.standard_error)}"
        table.add_row(found.name, value, show_score(found.retrained), show_score(found.gap), found.unit)
    return table
