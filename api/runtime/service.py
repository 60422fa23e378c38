"""Put together what is known of the place where submissions run."""

from sqlalchemy.orm import Session

from api.competitions.service import list_visible
from api.deps import Caller
from api.runtime.schemas import ErrorCode, Library, Observed, ProblemLimits, RuntimeView
from core.db.models.contests import Competition
from core.db.queries.provenance import fetch_newest_scorecard
from core.domain.competition import CompetitionState
from core.domain.faults import HINTS
from core.domain.runtime import LIBRARIES, PYTHON
from core.domain.submission import VERDICT_OF_FAULT
from core.settings import Settings

RULES = {
    *("replicas", "compute_budget", "memory_bytes", "scratch_bytes", "log_bytes", "processes"),
    *("wall_seconds_floor", "wall_seconds_ceiling", "batch_size", "batch_format"),
}


def load_runtime(session: Session, settings: Settings, caller: Caller) -> RuntimeView:
    shown = [row for row in list_visible(session, caller) if row.state != CompetitionState.ARCHIVED]
    return RuntimeView(
        python=PYTHON,
        image=settings.sandbox_image,
        sandbox=settings.sandbox,
        device=settings.device,
        node_class=settings.node_class,
        upload_bytes=settings.upload_bytes,
        libraries=_list_libraries(LIBRARIES),
        observed=_find_observed(session),
        problems=[_make_limits(row) for row in shown],
    )


def list_error_codes() -> list[ErrorCode]:
    return [ErrorCode(code=code, verdict=VERDICT_OF_FAULT[code], hint=hint) for code, hint in HINTS.items()]


def _find_observed(session: Session) -> Observed | None:
    card = fetch_newest_scorecard(session)
    if card is None:
        return None
    provenance = card.record.provenance
    return Observed(
        at=card.created_at,
        sandbox=provenance.sandbox,
        node_class=provenance.node_class,
        versions=_list_libraries(provenance.versions),
    )


def _make_limits(competition: Competition) -> ProblemLimits:
    values = competition.spec.terms.evaluation.model_dump(mode="json", include=RULES)
    return ProblemLimits(competition=competition.slug, title=competition.title, **values)


def _list_libraries(versions: dict[str, str]) -> list[Library]:
    return [Library(name=name, version=version) for name, version in versions.items()]
