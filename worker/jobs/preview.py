"""What a problem is made of and what its pools would take, before any of them is trained."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import structlog

from core.db.base import utc_now
from core.db.queries import competitions, nodes
from core.db.session import transaction
from core.domain.errors import ContestError
from core.domain.pools import PoolKind
from core.jobs import PREVIEW, put_off
from core.storage import BlobStore
from sandbox.kinds.parts import Picture, Words
from worker.data_sets.samples import SAMPLES, draw
from worker.described import count_classes
from worker.jobs.context import WorkerContext
from worker.jobs.preparation import load_stored
from worker.problems import LoadedProblem, join_manifests
from worker.replicas.relearn import MOST_MEMBERS
from worker.training.chunks import Chunk, pool_chunks, train_chunk
from worker.training.headroom import measure_headroom, shorten
from worker.training.learning import measure_learning
from worker.training.members import batch_slices
from worker.training.pools import pool_sizes

log = structlog.get_logger()
FEW, MANY = 2, 8  # steps of training that are timed: their difference has no start and no end in it
MEASURED_EXAMPLES = 32  # of the sets that only outputs are computed of
OURS = "the platform failed; the worker's log says why"


def preview_problem(context: WorkerContext, problem_id: str) -> None:
    """Safe to deliver twice: the newest preview counts."""
    with transaction(context.engine) as session:
        if nodes.is_draining(session, context.settings.node_name):
            put_off(session, PREVIEW, problem_id)
            return
    try:
        problems = load_stored(context, problem_id)
        if not problems:
            return
        preview = make_preview(context, problems)
    except ContestError as error:
        preview = {"fault": error.message}
    except Exception:  # the task's edge
        log.exception("a preview failed", problem_id=problem_id)
        preview = {"fault": OURS}
    with transaction(context.engine) as session:
        competitions.lock_problem(session, problem_id).preview = {"made_at": utc_now().isoformat(), **preview}


def make_preview(context: WorkerContext, problems: Sequence[LoadedProblem]) -> dict[str, Any]:
    """Of several requests the first; what is to be forgotten and trained is that of all."""
    problem, manifest = problems[0], join_manifests([each.manifest for each in problems])
    pools = estimate_training(problem, device=context.settings.device)
    of_one = {PoolKind(each["kind"]): each["seconds"] / each["models"] for each in pools}
    learning = measure_learning(problem, context.store, seconds=of_one, device=context.settings.device)
    return {
        "fault": "",
        **count_classes(problem),
        "forget": {"kind": manifest.kind, "count": manifest.count, "digest": manifest.digest},
        "samples": _store_samples(problem, context.store),
        "pools": pools,
        "learning": asdict(learning) if learning else None,
        "headroom": asdict(measure_headroom(problem, device=context.settings.device)),
    }


def estimate_training(problem: LoadedProblem, *, device: str) -> list[dict[str, Any]]:
    """Seconds of one worker for each pool: a few steps of one chunk are timed, and the rest is multiplied."""
    sample = pool_chunks(problem, PoolKind.RETRAINED, pool_sizes(problem.spec)[PoolKind.RETRAINED])[0]
    few, many = (_time_steps(problem, sample, steps, device) for steps in (FEW, MANY))
    a_step = max(many - few, 0.0) / (MANY - FEW) / len(sample.seeds)
    retain, forget = len(problem.splits.retain), len(problem.splits.forget)
    recipe = problem.spec.recipe
    found = []
    for kind, of_one in pool_sizes(problem.spec).items():
        size = of_one * len(problem.spec.requests)
        examples = retain + forget if kind is PoolKind.ORIGINAL else retain
        steps = len(batch_slices(examples, recipe.batch_size)) * recipe.epochs
        found.append({"kind": kind, "models": size, "seconds": a_step * steps * size})
    return found


def _time_steps(problem: LoadedProblem, sample: Chunk, steps: int, device: str) -> float:
    """Train so many steps of a problem that is as small as they are; nothing of it is kept."""
    small = shorten(problem, steps)
    splits = replace(
        small.splits,
        forget=problem.splits.forget.take(np.arange(min(MEASURED_EXAMPLES, len(problem.splits.forget)))),
        test=problem.splits.test.take(np.arange(min(MEASURED_EXAMPLES, len(problem.splits.test)))),
    )
    clock = time.process_time if device == "cpu" else time.perf_counter  # a busy neighbour stretches only the latter
    begun = clock()
    train_chunk(replace(small, splits=splits), replace(sample, start=MOST_MEMBERS), device=device)
    return clock() - begun


def _store_samples(problem: LoadedProblem, store: BlobStore) -> list[dict[str, Any]]:
    """The first of the forget set, as they are trained on: label noise shows as a wrong class."""
    forget, kind = problem.splits.forget, problem.kind
    found = ((row, kind.inputs.show(forget.x[row], problem.input_names)) for row in range(min(SAMPLES, len(forget))))
    return [
        {
            "digest": store.put(draw(shown.pixels)) if isinstance(shown, Picture) else "",
            "text": shown.text if isinstance(shown, Words) else "",
            "id": int(forget.ids[row]),
            "class": kind.targets.name(forget.y[row], problem.class_names),
            "clean_class": kind.targets.name(problem.clean_forget_y[row], problem.class_names),
        }
        for row, shown in found
        if shown is not None
    ]
