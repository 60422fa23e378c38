"""Celery tasks: an id in, one call of the pipeline, nothing out."""

from dataclasses import replace
from functools import cache

import structlog
import torch

from core.db.session import get_engine
from core.domain.errors import ContestError
from core.jobs import BUILD_CHUNK, DECIDE, PREPARE, PREVIEW, RUN_SHARD, SCORE, VALIDATE, celery_app
from core.settings import get_settings
from worker.jobs import looks, preparation, preview, scores, shares, validation
from worker.jobs.checking import check_node, choose_lately
from worker.jobs.context import WorkerContext, make_context

log = structlog.get_logger()


@cache
def get_context() -> WorkerContext:
    """One a process, made after the pool has forked; for work that runs no participant's code."""
    torch.set_num_threads(1)  # one thread a process: the pool has as many processes as cores
    settings = get_settings()
    return make_context(settings, choose_lately(settings), is_quiet=False)


@cache
def get_tried_context() -> WorkerContext:
    """The same once its sandbox was tried; raises PlatformFault if it does not keep what it promises."""
    checked = check_node(get_settings())
    return replace(get_context(), sandbox=checked.take(), is_quiet=checked.is_quiet)


@celery_app.task(name=RUN_SHARD)
def run_shard(shard_id: str) -> None:
    shares.take_turn(get_tried_context(), shard_id)


@celery_app.task(name=SCORE)
def score_evaluation(evaluation_id: str) -> None:
    scores.score_evaluation(get_context(), evaluation_id)


@celery_app.task(name=DECIDE)
def decide_evaluation(evaluation_id: str) -> None:
    looks.decide_evaluation(get_context(), evaluation_id)


@celery_app.task(name=PREPARE)
def prepare_problem(problem_id: str) -> None:
    """The pools are trained meanwhile, by others or afterwards: what is tried before the calibration takes seconds."""
    try:
        preparation.prepare_problem(get_context(), problem_id)
        get_tried_context()
    except ContestError as error:  # no sandbox here, one that is not as it promises, or no place to write
        settings = get_settings()
        preparation.report_obstacle(get_engine(settings.resolved_database_url), settings, problem_id, error)
        raise


@celery_app.task(name=BUILD_CHUNK)
def build_chunk(chunk_id: str) -> None:
    preparation.build_pool_chunk(get_context(), chunk_id)


@celery_app.task(name=VALIDATE)
def validate_data_set(version_id: str) -> None:
    validation.validate_data_set(get_context(), version_id)


@celery_app.task(name=PREVIEW)
def preview_problem(problem_id: str) -> None:
    preview.preview_problem(get_context(), problem_id)
