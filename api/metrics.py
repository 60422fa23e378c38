"""What a Prometheus server reads: requests as this process answered them, everything else from the database."""

from collections.abc import Iterator
from time import perf_counter
from typing import cast

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy.orm import Session
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deps import EngineDep, MetricsReader, SettingsDep, StoreDep
from api.errors import describe_errors
from api.health import Readiness, check_readiness
from api.operations.schemas import NodeView, QueueView
from api.operations.service import list_nodes, load_queue
from core.db.base import utc_now
from core.db.queries import measures
from core.db.session import reading
from core.domain.operations import Health
from core.domain.work import WorkState

router = APIRouter(tags=["health"])
ANSWER_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
UNKNOWN_ROUTE = "none"  # an address that nothing answers must not become a name of its own


class RequestTimes:
    """Time every request until its answer begins, by route, method and status."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self._seconds = Histogram(
            "lacuna_http_answer_seconds",
            "until an answer begins",
            ("method", "route", "status"),
            buckets=ANSWER_SECONDS,
            registry=registry,
        )
        self._open = Gauge("lacuna_http_open_requests", "that are being answered, event streams too", registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = perf_counter()

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", UNKNOWN_ROUTE)
                self._seconds.labels(scope["method"], route, message["status"]).observe(perf_counter() - begin)
            await send(message)

        with self._open.track_inprogress():
            await self.app(scope, receive, send_and_note)


@router.get(
    "/metrics",
    operation_id="get_metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **describe_errors(401, 403)},
)
def get_metrics(
    request: Request, caller: MetricsReader, engine: EngineDep, settings: SettingsDep, store: StoreDep
) -> Response:
    """In the text format of Prometheus; for a token of staff with the scope `metrics`."""
    registry = CollectorRegistry()
    readiness = check_readiness(engine, settings, store)
    with reading(engine) as session:
        found = [
            *_iter_readiness(readiness),
            *_iter_queue(load_queue(session)),
            *_iter_nodes(list_nodes(session).items),
        ]
        found += [*_iter_pieces(session), *_iter_totals(measures.fetch_totals(session))]
    registry.register(_Found(found))
    requests = cast(CollectorRegistry, request.app.state.requests)
    return Response(generate_latest(requests) + generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Found:
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _iter_readiness(readiness: Readiness) -> Iterator[Metric]:
    parts = GaugeMetricFamily("lacuna_part_ready", "1 if the part is there: what /readyz says", labels=["part"])
    for check in readiness.checks:
        parts.add_metric([check.part], check.ok)
    yield parts


def _iter_queue(queue: QueueView) -> Iterator[Metric]:
    labels = ["purpose", "status", "rejudge"]
    counts = GaugeMetricFamily("lacuna_evaluations", "that have not ended", labels=labels)
    oldest = GaugeMetricFamily("lacuna_evaluation_oldest_seconds", "age of the oldest of them", labels=labels)
    for group in queue.groups:
        names = [group.purpose, group.status, str(group.is_rejudge).lower()]
        counts.add_metric(names, group.count)
        oldest.add_metric(names, group.oldest_seconds)
    stuck = GaugeMetricFamily("lacuna_stuck", "evaluations and other work that do not move", labels=["obstacle"])
    obstacles = [row.obstacle for row in queue.waiting] + [row.obstacle for row in queue.pieces]
    for obstacle in sorted(set(obstacles)):
        stuck.add_metric([obstacle], obstacles.count(obstacle))
    yield from (counts, oldest, stuck)
    yield GaugeMetricFamily("lacuna_replicas_left", "of evaluations that have not ended", queue.replicas_left)
    yield GaugeMetricFamily("lacuna_messages_unsent", "that the broker has not got", queue.messages_unsent)
    unsent = (utc_now() - queue.oldest_unsent).total_seconds() if queue.oldest_unsent else 0.0
    yield GaugeMetricFamily("lacuna_message_unsent_seconds", "age of the oldest of them", max(unsent, 0.0))
    yield GaugeMetricFamily("lacuna_workers", "processes of nodes that take work", queue.workers)
    left = float("nan") if queue.seconds_left is None else queue.seconds_left
    yield GaugeMetricFamily("lacuna_queue_seconds_left", "until all of it has ended; NaN if unknown", left)


def _iter_nodes(nodes: list[NodeView]) -> Iterator[Metric]:
    health = GaugeMetricFamily("lacuna_node_health", "1 for what each node is", labels=["node", "node_class", "health"])
    silent = GaugeMetricFamily("lacuna_node_silent_seconds", "since a node was last heard of", labels=["node"])
    strikes = GaugeMetricFamily("lacuna_node_strikes", "failures on our side in a row", labels=["node"])
    draining = GaugeMetricFamily("lacuna_node_draining", "1 if it takes no new work", labels=["node"])
    held = GaugeMetricFamily("lacuna_node_pieces", "shards and pool chunks that it works at", labels=["node"])
    now = utc_now()
    for node in nodes:
        for each in Health:
            health.add_metric([node.name, node.node_class, each], node.health == each)
        silent.add_metric([node.name], (now - node.last_seen_at).total_seconds())
        strikes.add_metric([node.name], node.strikes)
        draining.add_metric([node.name], node.is_draining)
        held.add_metric([node.name], len(node.shards) + node.pool_chunks)
    yield from (health, silent, strikes, draining, held)


def _iter_pieces(session: Session) -> Iterator[Metric]:
    states = GaugeMetricFamily("lacuna_pieces", "of work, by what became of them", labels=["kind", "state"])
    expired = GaugeMetricFamily("lacuna_leases_expired", "that the janitor has not freed yet", labels=["kind"])
    for kind, model in measures.PIECES.items():
        counts = measures.count_pieces(session, model)
        for state in WorkState:
            states.add_metric([kind, state], counts.get(state, 0))
        expired.add_metric([kind], measures.count_expired(session, model, utc_now()))
    yield from (states, expired)


def _iter_totals(totals: measures.Totals) -> Iterator[Metric]:
    ended = CounterMetricFamily("lacuna_evaluations_ended", "by verdict", labels=["verdict"])
    for verdict, count in sorted(totals.verdicts.items()):
        ended.add_metric([verdict], count)
    yield ended
    yield CounterMetricFamily("lacuna_evaluations_refunded", "given back to their authors", totals.refunded)
    yield CounterMetricFamily("lacuna_replicas", "that count", totals.replicas)
    spent = CounterMetricFamily("lacuna_replica_seconds", "that they took, by clock", labels=["clock"])
    spent.add_metric(["cpu"], totals.cpu_seconds)
    spent.add_metric(["wall"], totals.wall_seconds)
    yield spent
