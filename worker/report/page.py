"""One evaluation as one HTML file that needs nothing beside it: no script, no network, light and dark."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.contests import count_pairs, describe_noise
from core.domain.exposure import Exposure, Reader, Sight, may_see_reason
from core.domain.faults import HINTS, FaultCode
from core.domain.submission import VERDICT_TEXT, Verdict
from core.formula import describe_formula
from core.scorecard import ScorecardRecord
from core.showing import show_scorecard
from worker.report import plots, pool_plots, rows, words
from worker.report.examples import ExampleDetail
from worker.report.templating import make_environment

SECTIONS = {
    "score": "score",
    "points": "points",
    "examples": "examples",
    "difficulty": "difficulty",
    "utility": "utility",
    "runtime": "cost",
    "attacks": "attacks",
    "metrics": "metrics",
    "decision": "early decision",
    "flag_checks": "flags",
    "glossary": "words",
    "provenance": "provenance",
}
OPTIONAL = frozenset({"attacks", "metrics", "decision", "flag_checks"})  # there if the scorecard has them


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    problem: str
    verdict: Verdict
    record: ScorecardRecord | None = None
    detail: ExampleDetail | None = None  # never given for a hidden problem
    code: FaultCode | None = None
    reason: str = ""
    log: str = ""
    traceback: str = ""
    relative_runtime: float | None = None
    commitment_key: str | None = None  # of the digests of a hidden problem; None: they are left out
    sight: Sight | None = None  # None: its author's, to whom the detail is given on open problems alone


def render_report(report: Report) -> str:
    environment = make_environment(number=format_number, percent=format_percent, value=format_value)
    sight = report.sight or Sight(Reader.AUTHOR, Exposure.PRACTICE if report.detail else Exposure.PRIVATE)
    shown = show_scorecard(report.record, sight, report.commitment_key) if report.record else None
    return environment.get_template("report.html").render(
        report=report,
        reason=report.reason if may_see_reason(report.verdict, sight) else "",
        scorecard=shown,
        sections=list_sections(shown, has_examples=report.detail is not None),
        verdict_text=VERDICT_TEXT[report.verdict],
        hint=HINTS[report.code] if report.code else "",
        plots=plots,
        plot_pools=pool_plots.plot_pools,
        rows=rows,
        words=words,
        describe_formula=describe_formula,
        describe_noise=describe_noise,
        count_pairs=count_pairs,
    )


def list_sections(record: ScorecardRecord | None, *, has_examples: bool) -> list[tuple[str, str]]:
    """Name and label of each section of a report, in order."""
    missing = {name for name in OPTIONAL if not getattr(record, name, None)}
    if not has_examples:
        missing.add("difficulty")
    return [(name, label) for name, label in SECTIONS.items() if name not in missing]


def format_number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def format_percent(share: float | None, digits: int = 1) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def format_value(value: object) -> str:
    """Whatever stands in a scorecard, on one line."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {format_value(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(format_value, value))
    return str(value)
