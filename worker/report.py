"""One evaluation as one HTML file that needs nothing beside it: no script, no network, light and dark."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from core.domain.faults import HINTS, FaultCode
from core.domain.submission import Verdict

TEMPLATE_FOLDER = Path(__file__).parent / "templates"

VERDICT_TEXT: dict[Verdict, str] = {
    Verdict.SCORED: "every replica ran and was scored",
    Verdict.OVER_BUDGET: "unlearning costs more than its allowed share of retraining",
    Verdict.RUNTIME_ERROR: "the code failed while running",
    Verdict.TIME_LIMIT: "a replica ran past its time limit",
    Verdict.MEMORY_LIMIT: "a replica needed more memory than it may use",
    Verdict.OUTPUT_LIMIT: "a replica wrote more than it may",
    Verdict.BAD_OUTPUT: "what the code returned cannot be scored",
    Verdict.REJECTED: "the file cannot be run",
    Verdict.WITHDRAWN: "cancelled before it ended",
    Verdict.PLATFORM_ERROR: "the platform failed; this does not count",
}


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    problem: str
    verdict: Verdict
    body: Mapping[str, Any] | None = None  # of the scorecard
    epsilon_svg: str = ""
    confidence_svg: str = ""
    code: FaultCode | None = None
    reason: str = ""
    log: str = ""
    traceback: str = ""
    relative_runtime: float | None = None


def render_report(report: Report) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = format_number
    environment.filters["percent"] = format_percent
    return environment.get_template("report.html").render(
        report=report,
        body=report.body,
        verdict_text=VERDICT_TEXT[report.verdict],
        hint=HINTS[report.code] if report.code else "",
        # Both pictures are made by worker.plots from numbers and escaped labels.
        epsilon_svg=Markup(report.epsilon_svg),  # noqa: S704
        confidence_svg=Markup(report.confidence_svg),  # noqa: S704
    )


def format_number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def format_percent(share: float | None, digits: int = 1) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f} %"
