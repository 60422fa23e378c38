"""The OpenAPI document against the application: whatever is sent, by whom ever, every answer is one that it lists."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.main import create_app
from api.security import hash_token
from core import jobs
from core.db.base import utc_now
from core.db.migrate import upgrade_database
from core.db.models.operations import NodeKey
from core.db.queries import turns
from core.db.session import get_engine, transaction
from core.domain.duties import Duty
from core.domain.leaderboard import Purpose
from core.settings import Settings
from core.storage import FolderStore
from tests import factories
from tests.integration.api.conftest import SilentBroker

pytestmark = pytest.mark.integration

ROLES = ("anonymous", "participant", "organizer", "admin")
# of each operation, role and kind of data; more by hand: FUZZ_EXAMPLES=50 pytest tests/integration/api/test_fuzzing.py
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))
CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True)
class Target:
    app: FastAPI
    real: dict[str, str]  # path parameters that lead somewhere


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("fuzzed")
    values = Settings(data_folder=folder, registrations_per_hour=10_000, upload_bytes=10_000)
    upgrade_database(values.resolved_database_url)
    engine = get_engine(values.resolved_database_url)
    patch = pytest.MonkeyPatch()
    patch.setattr(jobs, "celery_app", SilentBroker())
    patch.setattr("api.health.ping_broker", lambda _url: None)  # a platform without one is not ready, and says 503
    digest = FolderStore(values.store_folder).put(factories.SOURCE)
    with transaction(engine) as session:
        people = {role: factories.make_user(session, role, role=role) for role in ROLES[1:]}
        for role, person in people.items():
            factories.make_token(session, person, hash_token(role))
        tomorrow = utc_now() + timedelta(days=1)  # neither falls silent meanwhile
        factories.make_node(session, last_seen_at=tomorrow)
        session.add(NodeKey(name="gpu-1", token_sha256=hash_token("node"), purposes=tuple(Purpose)))
        for duty in Duty:
            turns.record_turn(session, duty, tomorrow, node="node-1", every_seconds=5.0, fault="")
        competition = factories.make_competition(session, "digits")
        own = factories.make_scored(
            session, competition, people["participant"], source_digest=digest, report_digest=digest
        )
    yield Target(create_app(values), {"slug": "digits", "submission_id": own.id})
    engine.dispose()
    patch.undo()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("role", ROLES)
def test_no_request_gets_an_answer_that_the_document_does_not_list(
    target: Target, role: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", target.app)
    headers = {} if role == "anonymous" else {"Authorization": f"Bearer {role}"}
    count = 0
    for result in schema.get_all_operations():
        attack(result.ok(), target, headers, mode)
        count += 1
    assert count > 20


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_node_gets_one_either(target: Target, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", target.app)
    own = [found.ok() for found in schema.get_all_operations() if found.ok().path.startswith("/api/v1/nodes/")]
    assert len(own) > 6
    for operation in own:
        attack(operation, target, {"Authorization": "Bearer node"}, mode)


def test_a_server_error_is_found(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", target.app)
    operation = schema["/api/v1/error-codes"]["GET"]
    monkeypatch.setattr("api.runtime.service.HINTS", None)
    with pytest.raises(FailureGroup):
        attack(operation, target, {}, GenerationMode.POSITIVE)


def attack(operation: schemathesis.APIOperation, target: Target, headers: dict[str, str], mode: GenerationMode) -> None:
    @seed(7)
    @settings(max_examples=EXAMPLES, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode), is_real=st.booleans())
    def send(case: schemathesis.Case, is_real: bool) -> None:
        if is_real:
            case.path_parameters = {
                name: target.real.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        for name in [name for name in case.headers or {} if name.lower() == "authorization"]:
            del case.headers[name]  # a broken token only ever shows the 401
        case.call_and_validate(headers=headers, checks=CHECKS)

    with suppress(Unsatisfiable):  # an operation without any input cannot be sent a wrong one
        send()
