"""Every competition as an admin sees it: data, pools, calibration."""

import statistics

from sqlalchemy.orm import Session

from api.competitions.service import find_preparation, get_exposure
from api.configure.previews import make_learning
from api.configure.schemas import CalibrationView, ConfiguredCompetition, ConfiguredList
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.submissions import Calibration
from core.db.queries import competitions


def list_configured(session: Session) -> ConfiguredList:
    return ConfiguredList(items=[make_view(session, row) for row in competitions.fetch_competitions(session)])


def make_view(session: Session, row: Competition) -> ConfiguredCompetition:
    return ConfiguredCompetition(
        slug=row.slug,
        title=row.title,
        state=row.state_at(utc_now()),
        exposure=get_exposure(row),
        fault=row.fault,
        data_set=row.spec.terms.problem.data.reference,
        forget_request=row.spec.problem.manifest,
        spec_digest=row.spec.digest,
        opens_by_hand=row.opens_by_hand,
        prepared_at=row.prepared_at,
        preparation=find_preparation(session, row),
        learning=make_learning(row.spec.problem.learning),
        calibrations=[_make_calibration(found) for found in competitions.fetch_all_calibrations(session, row.spec_id)],
    )


def _make_calibration(row: Calibration) -> CalibrationView:
    wall, cpu = (statistics.median(row.seconds[clock]) for clock in ("wall", "cpu"))
    return CalibrationView(
        node_class=row.node_class,
        filename=row.filename,
        wall_seconds=wall,
        cpu_seconds=cpu,
        doubt=row.seconds.get("doubt", ""),
    )
