"""What retraining costs on a class of node, in the database: measured, kept, and whatever waited for it opened."""

from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Calibration, Evaluation, Submission
from core.db.queries import competitions, evaluations, phases, pools, users
from core.domain.access import Role
from core.domain.calibration import RETRAIN_FILE
from core.domain.competition import CompetitionState
from core.domain.exposure import Exposure
from core.domain.leaderboard import Purpose
from core.domain.phases import PhaseKind, PhaseState
from core.domain.submission import Status, Verdict
from core.jobs import PREPARE, enqueue
from core.lifecycle import open_evaluation
from worker.jobs.context import WorkerContext
from worker.jobs.gate import read_measured
from worker.replicas.calibration import make_calibration_source
from worker.replicas.seconds import dump_seconds, dump_shard, parse_shard
from worker.scorecard.cost import RetrainCost, make_cost

PLATFORM_USER = "platform"
NO_PASSWORD = "!"  # noqa: S105 -- no hash of anything: nobody can log in as the platform


def start_calibration(
    session: Session, context: WorkerContext, spec: EvaluationSpec, competition_id: str, phase: PhaseKind
) -> None:
    """Measure retraining on this class of node; the caller knows that nobody else does."""
    submission = Submission(
        competition_id=competition_id,
        user_id=_platform_user(session).id,
        filename=RETRAIN_FILE,
        source_digest=context.store.put(make_calibration_source(RETRAIN_FILE, spec.terms.problem)),
        note="calibration",
        purpose=Purpose.CALIBRATION,
    )
    session.add(submission)
    session.flush()
    open_evaluation(session, submission, spec, phase=phase, node_class=context.settings.node_class)


def load_cost(session: Session, spec_id: str, node_class: str) -> RetrainCost | None:
    """None until retraining has been measured on such a node."""
    row = competitions.fetch_calibration(session, spec_id, node_class)
    if row is None:
        return None
    return make_cost([parse_shard(each) for each in row.seconds["beside"]], (row.evaluation_id,))


def store_calibration(session: Session, context: WorkerContext, evaluation: Evaluation) -> None:
    """Keep the cost, end the calibration run, and open the competitions that waited for it.

    One in doubt is measured once more, and its runs count with the next; what doubt is left widens every interval.
    """
    tries, most = _fetch_tries(session, evaluation), context.settings.calibration_tries
    whole, beside = tries[-1], [shard for each in tries for shard in read_measured(each.shards)]
    cost = make_cost(beside)
    for_practice = whole.spec.terms.problem.exposure is Exposure.PRACTICE
    if len(tries) < most and (doubt := cost.find_doubt(for_practice=for_practice)):
        _end(session, evaluation, f"in doubt, and measured once more: {doubt}")
        start_calibration(session, context, whole.spec, whole.submission.competition_id, whole.phase)
        return
    doubt = cost.find_doubt()
    if competitions.fetch_calibration(session, evaluation.spec_id, evaluation.node_class) is None:
        seconds = {"beside": [dump_shard(shard) for shard in beside], "doubt": doubt}
        session.add(
            Calibration(
                spec_id=evaluation.spec_id,
                node_class=evaluation.node_class,
                filename=RETRAIN_FILE,
                evaluation_id=evaluation.id,
                seconds={**dump_seconds(cost.retrain), **seconds},
            )
        )
        session.flush()
    _end(session, evaluation, f"calibrated{f', in doubt: {doubt}' if doubt else ''}")
    for waiting in fetch_waiting(session, evaluation.spec_id):
        open_waiting(session, waiting)
    enqueue(session, PREPARE, whole.spec.problem_id)  # what is left to do: the cores were the calibration's till now


def fetch_waiting(session: Session, spec_id: str) -> list[Competition | Phase]:
    """Whatever waits for the pools and calibrations of a spec: competitions and phases."""
    rows = competitions.fetch_competitions_of_spec(session, spec_id)
    return [row for row in rows if row.state is CompetitionState.PREPARING] + phases.fetch_preparing_phases(
        session, spec_id
    )


def open_waiting(session: Session, row: Competition | Phase) -> None:
    """A phase is ready, a competition opens; one that opens by hand is prepared, and waits for its admin."""
    row.fault = ""
    if isinstance(row, Phase):
        row.state = PhaseState.READY
        if row.kind == PhaseKind.PRACTICE:  # it takes submissions from now on
            pools.activate(session, row.spec_id)
        return
    row.prepared_at = utc_now()
    if not row.opens_by_hand:
        row.state = CompetitionState.OPEN
        pools.activate(session, row.spec_id)


def _platform_user(session: Session) -> User:
    user = users.fetch_user_by_name(session, PLATFORM_USER)
    if user is None:
        user = User(name=PLATFORM_USER, password_hash=NO_PASSWORD, role=Role.ADMIN)
        session.add(user)
        session.flush()
    return user


def _fetch_tries(session: Session, evaluation: Evaluation) -> list[Evaluation]:
    """This run and those before it that were in doubt, this one last; what failed or was cancelled measured nothing."""
    runs = competitions.fetch_calibration_runs(session, evaluation.spec_id, evaluation.node_class)
    before = [run.id for run in runs if run.verdict is Verdict.SCORED]
    found = (evaluations.fetch_evaluation(session, each) for each in (*before, evaluation.id))
    return [each for each in found if each is not None]


def _end(session: Session, evaluation: Evaluation, reason: str) -> None:
    evaluations.move(session, evaluation, Status.SCORING)
    evaluations.move(session, evaluation, Status.FINISHED, verdict=Verdict.SCORED, reason=reason)
