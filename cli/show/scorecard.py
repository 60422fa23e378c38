"""A scorecard as a table for the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.show.metric_table import render_metrics
from cli.show.numbers import show_interval, show_percent, show_points, show_score
from cli.show.tables import make_table
from core.domain.contests import count_pairs, describe_noise
from core.domain.durations import show_duration
from core.domain.runtime import CpuClock
from core.domain.submission import Verdict
from core.scorecard import JointTelling, MeasuredRuntime, ScorecardRecord

CLOCKS: dict[str, str] = {
    CpuClock.CGROUP: "processor time of the whole box",
    CpuClock.PROCESS: "processor time of the process, or half of the wall clock's if that is more",
}
VERDICT_STYLES: dict[str, str] = {Verdict.SCORED: "green", Verdict.OVER_BUDGET: "yellow"}


def show_verdict(verdict: str) -> Text:
    return Text(
        verdict.replace("_", " "), style=VERDICT_STYLES.get(Verdict(verdict), "red") if verdict in set(Verdict) else ""
    )


def render_scorecard(record: ScorecardRecord, *, verdict: str) -> RenderableType:
    score, ceiling, runtime = record.score, record.ceiling, record.relative_runtime
    table = make_table(show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_column(style="dim")
    table.add_row("verdict", show_verdict(verdict))
    interval = show_interval(score.estimate, score.low, score.high)
    scope = ", of these originals and this request alone" if record.pairs is None else ""
    table.add_row("score", interval, f"{record.protocol}, {100 * score.level:.0f} % interval{scope}")
    if (pairs := record.pairs) is not None:
        noise = {} if pairs.noise is None else pairs.noise.model_dump()
        said = describe_noise(noise, originals=pairs.originals, requests=pairs.requests) if noise else ""
        table.add_row("mean over", count_pairs(pairs.originals, pairs.requests), said)
    if score.corrected is not None:
        table.add_row("corrected", show_score(score.corrected), "without the bias of finitely many replicas")
    table.add_row(
        "ceiling",
        show_interval(ceiling.estimate, ceiling.low, ceiling.high),
        "a second bank of retrained models",
    )
    table.add_row("2023 score", show_score(record.protocols.neurips2023), f"ceiling {show_score(ceiling.neurips2023)}")
    table.add_row(
        "forgetting quality",
        show_score(record.forgetting_quality),
        f"median epsilon {record.epsilon.median:.2f} nats",
    )
    if record.likeness is not None:
        found = record.likeness
        table.add_row(
            "F forget/test/retain",
            " / ".join(map(show_score, (found.forget, found.test, found.retain))),
            f"balance {show_score(found.balance)}",
        )
    if record.joint is not None:
        table.add_row("joint view", f"AUC {record.joint.auc:.2f}", _explain_joint(record.joint))
    table.add_row("utility", show_score(record.utility.value), f"{record.share or 'accuracy'} kept, retain × test")
    accuracies = (record.unlearning_accuracy, record.retain_accuracy, record.test_accuracy)
    table.add_row("UA / RA / TA", " / ".join(show_points(value) for value in accuracies), _explain_shares(record))
    table.add_row("relative runtime", _show_runtime(runtime), _explain_runtime(runtime))
    _add_flags(table, record)
    return Group(table, render_metrics(record))


def _explain_shares(record: ScorecardRecord) -> str:
    return f"percent of {record.share} ({record.share} of the forget set is 100 − UA)" if record.share else "percent"


def _explain_joint(joint: JointTelling) -> str:
    control = "" if joint.control is None else f"; two retrained banks {joint.control:.2f}"
    return f"all outputs of a model at once, 0.5 is a guess{control}"


def _add_flags(table: Table, record: ScorecardRecord) -> None:
    """One line for each flag; a scorecard from before there were flags says nothing of them."""
    if record.flags is None:
        return
    if not record.flags:
        table.add_row("flags", "none", "")
    for flag in record.flags:
        said = Text(f"{flag.code.replace('_', ' ')}, {flag.severity}", style="yellow")
        table.add_row("flag", said, flag.detail or "")


def _show_runtime(runtime: MeasuredRuntime) -> Text:
    style = "yellow" if runtime.over_budget else ""
    return Text(f"{show_percent(runtime.estimate)} of a budget of {show_percent(runtime.budget)}", style=style)


def _explain_runtime(runtime: MeasuredRuntime) -> str:
    one, retraining = show_duration(runtime.seconds_per_replica), show_duration(runtime.retrain_seconds)
    clock = f", {CLOCKS[runtime.clock]}" if runtime.clock in CLOCKS else ""
    bounds = f"{show_percent(runtime.low)} to {show_percent(runtime.high)}{clock}"
    return f"{bounds}; {one} a run, {retraining} a retraining"
