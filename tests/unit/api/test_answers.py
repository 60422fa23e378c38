"""Every address as every reader, in every exposure and stage: what comes out is on a list, and for the reader."""

import csv
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.notifications import Delivery, Webhook
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Evaluation
from core.db.queries import deliveries
from core.db.queries.announcements import store_announcement
from core.db.session import transaction
from core.domain.answers import FORGET_REQUEST, MESSAGES, list_record
from core.domain.competition import CompetitionState
from core.domain.exposure import DESCRIPTION, PROBLEM, Audience, Exposure, Reader, Sight, Stage, find_audience, may_see
from core.domain.notifications import Event
from core.domain.phases import PhaseState
from core.domain.spreadsheet import EXCEL_MARK
from core.domain.submission import Verdict
from core.scorecard import parse_scorecard
from core.settings import Settings
from tests import factories
from tests.hidden_problems import HIDDEN_SEED
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Login
from tests.unit.api.crawl import NOBODY, Place, read_everything
from worker.messages.mail import write_notification
from worker.report.page import Report, render_report

STATES = {
    "running": (CompetitionState.OPEN, PhaseState.READY),
    "closed": (CompetitionState.CLOSED, PhaseState.SCORING),
    "over": (CompetitionState.CLOSED, PhaseState.PUBLISHED),
}
# what a reader of pages, tables and streams must not find, by who may: `{}` is the world that it belongs to
MARKS = {
    Audience.OPEN: ("attack-of-{}", "detail-of-{}", "plot-of-{}", "reason-of-{}"),
    Audience.OPEN_INSIDE: ("log-of-{}",),
}
EMPTY = (None, "", False, [], {})


@dataclass(frozen=True)
class World:
    """A competition with its phases, and what of it is not for everybody."""

    exposure: Exposure
    state: str
    places: tuple[Place, ...]  # one submission in each: scored, failed, practised
    plain: tuple[str, ...]  # digests and seeds of hidden phases
    key: str
    secret_score: float  # of the private phase

    @property
    def slug(self) -> str:
        return f"{self.exposure}-{self.state}"

    @property
    def stage(self) -> Stage:
        return Stage.OVER if self.state == "over" else Stage.RUNNING


def make_world(client: TestClient, session: Session, ann: Login, exposure: Exposure, state: str) -> World:
    slug, secret = f"{exposure}-{state}", draw_score(exposure, state)
    of_competition, of_phase = STATES[state]
    row = factories.make_competition(session, slug, state=of_competition, exposure=exposure)
    store_announcement(session, row.id, "Welcome", "Read the rules.", author="olga")
    factories.make_pool(session, row)
    team = factories.find_or_make_team(session, row, ann.user)
    report = Report(
        title="a.py",
        problem=slug,
        verdict=Verdict.SCORED,
        record=parse_scorecard(make_card(slug)),
        commitment_key=row.commitment_key,
    )
    card = make_card(slug) | {"report_digest": put(client, render_report(report).encode())}
    source = put(client, factories.SOURCE)
    values = {"source_digest": source, "team_id": team.id}
    scored = factories.make_submission(session, row, ann.user, **values)
    shown = {"score": 0.5, "score_low": 0.4, "score_high": 0.6, "relative_runtime": 0.05}
    first = factories.make_evaluation(session, scored, verdict="scored", card=card, log=f"log-of-{slug}", **shown)
    session.flush()
    mark_plots(session, first.id, slug)
    failed = factories.make_submission(session, row, ann.user, **values)
    factories.make_evaluation(
        session, failed, verdict="runtime_error", reason=f"reason-of-{slug}", log=f"log-of-{slug}"
    )
    phase = factories.make_private_phase(session, row, state=of_phase)
    private = session.get_one(EvaluationSpec, phase.spec_id)
    if of_phase is not PhaseState.READY:
        hidden = {"score": secret, "score_low": secret, "score_high": secret, "relative_runtime": 0.04}
        run = factories.make_evaluation(
            session,
            scored,
            verdict="scored",
            spec_id=phase.spec_id,
            phase="private",
            reason=f"private-of-{slug}",
            **hidden,
        )
        factories.make_scorecard(session, run, make_card(f"private-{slug}"))
    if of_phase is PhaseState.PUBLISHED:
        phase.published_at = utc_now()
    practice = factories.make_practice_phase(session, row)
    practised, _ = factories.make_practised(
        session, row, ann.user, practice, log=f"print-of-{slug}", verdict="runtime_error"
    )
    practised.source_digest, practised.team_id = source, team.id
    public = session.get_one(EvaluationSpec, row.spec_id)
    specs = [private] if exposure.is_open else [private, public]
    plain = [spec.digest for spec in specs] + [f"{HIDDEN_SEED + offset:032x}" for offset in (0, 1, 2, 10, 11, 12)]
    places = tuple(Place(slug, each.id) for each in (scored, failed, practised))
    return World(exposure, state, places, tuple(plain), row.commitment_key, secret)


def draw_score(exposure: Exposure, state: str) -> float:
    """Another one in each world, and nowhere else."""
    return round(0.7182 + 0.00001 * (10 * list(Exposure).index(exposure) + list(STATES).index(state) + 1), 5)


def make_card(slug: str) -> dict[str, Any]:
    flag = {"code": "collapsed", "severity": "notice", "value": 0.5, "threshold": 0.4, "fires": "above"}
    flags = [flag | {"detail": f"detail-of-{slug}"}]
    card = make_scorecard_body() | {"flags": flags, "flag_checks": flags}
    card["epsilon"] |= {"attack": [f"attack-of-{slug}"] * 4}
    return card


def mark_plots(session: Session, evaluation_id: str, slug: str) -> None:
    card = session.get_one(factories.Scorecard, evaluation_id)
    card.epsilon_svg = card.confidence_svg = factories.SVG.replace("a plot", f"plot-of-{slug}")


def put(client: TestClient, content: bytes) -> str:
    return str(client.app.state.store.put(content))  # type: ignore[attr-defined]


class Reading:
    """One answer, walked through beside what the application declares of it."""

    def __init__(self, document: Mapping[str, Any], worlds: Mapping[str, World]) -> None:
        self.document, self.worlds = document, worlds

    def list_faults(self, path: str, answer: Response, sight: Sight) -> Iterator[str]:
        declared = self.document["paths"].get(path, {}).get("get", {}).get("responses", {}).get("200", {})
        schema = declared.get("content", {}).get("application/json", {}).get("schema")
        if answer.status_code == 200 and answer.headers.get("content-type", "").startswith("application/json"):
            if not schema:
                yield f"{path}: nothing is declared of it"
            else:
                yield from self._walk(answer.json(), schema, sight)

    def _walk(self, value: Any, schema: Mapping[str, Any], sight: Sight) -> Iterator[str]:
        names = list(self._find_records(schema))
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                fitting = [name for name in names if set(item) <= set(self._get_properties(name))]
                for name in fitting[:1] or names:
                    yield from self._walk_record(name, item, sight)

    def _get_properties(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.document["components"]["schemas"][name].get("properties", {})
        return found

    def _find_records(self, schema: Mapping[str, Any]) -> Iterator[str]:
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        items = [schema["items"]] if "items" in schema else []
        for inner in (*schema.get("anyOf", ()), *schema.get("allOf", ()), *items):
            yield from self._find_records(inner)

    def _walk_record(self, name: str, record: Mapping[str, Any], sight: Sight) -> Iterator[str]:
        properties = self._get_properties(name)
        sight = self._look_closer(record, sight)
        known = list_record(name)
        for field, value in record.items():
            audience = known.get(field)
            if audience is None:
                yield f"{name}.{field} is on no list"
            elif (
                not may_see(audience, sight) and value not in EMPTY and field != "reason"
            ):  # whose marks are looked for
                yield f"{name}.{field} is shown to {sight.reader} in {sight.exposure}, {sight.stage}"
            if isinstance(value, dict) and field in ("problem", "evaluation", "forget_request", "description"):
                yield from self._walk_problem(field, value, sight if name != "PracticeView" else open_up(sight))
            else:
                yield from self._walk(value, properties.get(field, {}), sight)

    def _look_closer(self, record: Mapping[str, Any], sight: Sight) -> Sight:
        """Lists hold records of several competitions, and of their practice phases."""
        world = self.worlds.get(str(record.get("competition", record.get("slug"))))
        found = Sight(sight.reader, world.exposure, world.stage) if world else sight
        return open_up(found) if record.get("phase") == "practice" and "purpose" in record else found

    def _walk_problem(self, field: str, values: Mapping[str, Any], sight: Sight) -> Iterator[str]:
        fields = {"forget_request": FORGET_REQUEST, "description": DESCRIPTION}.get(field, PROBLEM)
        for path, value in list_leaves(values, "evaluation." if field == "evaluation" else ""):
            audience = find_audience(fields, path)
            if audience is None and value not in EMPTY:
                yield f"{field}: {path} is on no list"
            elif not may_see(audience, sight) and value not in EMPTY:
                yield f"{field}: {path} is shown to {sight.reader} in {sight.exposure}"


def open_up(sight: Sight) -> Sight:
    return Sight(sight.reader, Exposure.PRACTICE, sight.stage)


def list_leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from list_leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def list_leaks(text: str, world: World, sight: Sight) -> list[str]:
    """Marks in an answer of any kind that are not for the reader."""
    if sight.reader is Reader.STAFF:
        return []
    forbidden = [mark for who, marks in MARKS.items() if not may_see(who, sight) for mark in marks]
    found = [mark.format(world.slug) for mark in forbidden] + list(world.plain)
    found += [] if world.exposure.is_open else ["70717", "70,717"]  # of the classes of hidden splits
    found += [] if sight.reader is Reader.AUTHOR else [f"print-of-{world.slug}"]
    found += [f"{kind}-of-private-{world.slug}" for kind in ("attack", "detail")] + [f"private-of-{world.slug}"]
    found += [] if world.stage is Stage.OVER else [world.key, str(world.secret_score)]
    if not world.exposure.is_open:
        found += ["b" * 64, "2" * 64]  # of the problem and of a pool, in the scorecard
    if world.stage is Stage.OVER:  # the digests themselves are revealed with the key
        found = [each for each in found if each not in world.plain[: 1 if world.exposure.is_open else 2]]
    return [mark for mark in found if mark in text]


@pytest.fixture
def ann(login: Callable[..., Login]) -> Login:
    return login("ann")


@pytest.fixture
def worlds(client: TestClient, engine: Engine, ann: Login) -> dict[str, World]:
    with transaction(engine) as session:
        made = [make_world(client, session, ann, *each) for each in itertools.product(Exposure, STATES)]
    return {world.slug: world for world in made}


@pytest.mark.timeout(300)
def test_every_address_shows_every_reader_what_is_on_a_list_and_for_them(
    client: TestClient, ann: Login, login: Callable[..., Login], worlds: dict[str, World]
) -> None:
    people = [(Reader.ANYBODY, NOBODY), (Reader.ANYBODY, login("ben").headers), (Reader.AUTHOR, ann.headers)]
    staff = [(Reader.STAFF, login(role=role).headers) for role in ("organizer", "admin")]
    reading = Reading(client.app.openapi(), worlds)  # type: ignore[attr-defined]
    faults: set[str] = set()
    answers = 0
    for world in worlds.values():
        for reader, headers in people if world.state != "running" else people + staff:
            sight = Sight(reader, world.exposure, world.stage)
            for path, answer in read_world(client, headers, world):
                answers += answer.status_code == 200
                faults |= set(reading.list_faults(path, answer, sight))
                faults |= {f"{path} tells {reader}: {mark}" for mark in list_leaks(answer.text, world, sight)}
    assert sorted(faults) == []
    assert answers > 500


def read_world(client: TestClient, headers: Mapping[str, str], world: World) -> Iterator[tuple[str, Response]]:
    """All addresses; those that name no competition and no submission once, in the first world."""
    whole, *others = world.places
    is_first = (world.exposure, world.state) == (Exposure.PRACTICE, "running")
    yield from read_everything(client, headers, whole, about=("",) if is_first else ("{slug}", "{submission_id}"))
    for place in others:
        yield from read_everything(client, headers, place, about=("{submission_id}",))


def test_tables_have_no_column_that_is_on_no_list(client: TestClient, worlds: dict[str, World]) -> None:
    for path in ("leaderboard.csv", "final.csv"):
        table = client.get(f"/api/v1/competitions/{worlds['public-over'].slug}/{path}").text
        columns = next(csv.reader(table.removeprefix(EXCEL_MARK).splitlines()))
        assert set(columns) <= set(list_record("LeaderboardEntry"))


def test_every_field_that_any_address_declares_is_on_a_list(client: TestClient) -> None:
    document = client.app.openapi()  # type: ignore[attr-defined]
    found = set()
    for operations in document["paths"].values():
        for operation in operations.values():
            answers = [answer for code, answer in operation["responses"].items() if code.startswith("2")]
            found |= set(find_names(answers, document["components"]["schemas"], set()))
    unlisted = [
        f"{name}.{field}"
        for name in sorted(found)
        for field in document["components"]["schemas"][name].get("properties", {})
        if field not in list_record(name)
    ]
    assert unlisted == []


def find_names(value: Any, schemas: Mapping[str, Any], seen: set[str]) -> Iterator[str]:
    if isinstance(value, dict):
        name = str(value.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            seen.add(name)
            yield name
            yield from find_names(schemas[name], schemas, seen)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from find_names(inner, schemas, seen)


def test_messages_hold_what_is_on_a_list_and_nothing_of_a_hidden_run(
    client: TestClient, engine: Engine, ann: Login, worlds: dict[str, World]
) -> None:
    world = worlds["private-running"]
    with transaction(engine) as session:
        session.add(Webhook(user_id=ann.user.id, url="https://h.example/", secret="s", events=tuple(Event)))
        session.flush()
        ids = [place.submission_id for place in world.places]
        for row in session.scalars(select(Evaluation).where(Evaluation.submission_id.in_(ids))).all():
            deliveries.announce_finished(session, row)
        deliveries.announce(session, Event.PLACE_LOST, [ann.user.id], {"competition": "c", "log": "new"})
        told = [(Event(sent.event), sent.body) for sent in session.scalars(select(Delivery))]
    assert [event for event, _ in told] == [Event.EVALUATION_FINISHED] * 2 + [Event.PLACE_LOST]
    for event, body in told:
        assert set(body) <= set(MESSAGES[event].split())
        assert list_leaks(json.dumps(body), world, Sight(Reader.AUTHOR, world.exposure)) == []
    mail = write_notification(
        Settings(), address="a@b.example", event=told[0][0], data=told[0][1], unsubscribe="u", delivery_id="d"
    )
    assert list_leaks(mail.as_string(), world, Sight(Reader.AUTHOR, world.exposure)) == []
