"""Who may call what: every route, every role."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from api.deps import Permission
from core.db.models.accounts import User
from core.db.models.submissions import Submission
from core.db.session import transaction
from core.domain.access import Action
from tests import factories
from tests.unit.api.conftest import Login
from tests.unit.api.crawl import iter_routes
from tests.unit.api.people_routes import PEOPLE_BODIES, PEOPLE_MATRIX
from tests.unit.api.staff_routes import STAFF_MATRIX

ROLES = ("anonymous", "participant", "owner", "organizer", "admin")
OPEN = (200, 200, 200, 200, 200)
# status by role, for a submission to a hidden problem
MATRIX: dict[tuple[str, str], tuple[int, ...]] = {
    ("GET", "/"): OPEN,
    ("GET", "/competitions/{slug}"): OPEN,
    ("GET", "/submissions/{submission_id}"): (404, 404, 200, 200, 200),
    ("GET", "/login"): OPEN,
    ("POST", "/login"): (422, 422, 422, 422, 422),
    ("GET", "/register"): OPEN,
    ("POST", "/register"): (422, 422, 422, 422, 422),
    ("POST", "/logout"): (403, 403, 403, 403, 403),  # no page of ours sent it
    ("GET", "/account"): (401, 200, 200, 200, 200),
    ("POST", "/account/tokens"): (401, 422, 422, 422, 422),
    ("POST", "/account/tokens/{token_id}/revoke"): (401, 404, 404, 404, 404),
    ("POST", "/submissions/{submission_id}/note"): (401, 404, 303, 403, 403),
    ("PATCH", "/api/v1/submissions/{submission_id}"): (401, 422, 422, 422, 422),
    ("GET", "/admin/flags/alike"): (401, 403, 403, 422, 422),
    ("GET", "/api/v1/admin/competitions/{slug}/alike"): (401, 403, 403, 200, 200),
    ("GET", "/submissions"): (401, 200, 200, 200, 200),
    ("GET", "/competitions/{slug}/changes"): OPEN,
    ("GET", "/submissions/{submission_id}/code"): (404, 404, 200, 200, 200),
    ("POST", "/submissions/{submission_id}/publish"): (401, 404, 422, 422, 422),
    ("GET", "/api/v1/submissions/{submission_id}/examples"): (404, 404, 404, 200, 200),
    ("POST", "/api/v1/submissions/{submission_id}/publish"): (401, 422, 422, 422, 422),
    ("GET", "/competitions/{slug}/leaderboard"): OPEN,
    ("GET", "/competitions/{slug}/data"): OPEN,
    ("GET", "/competitions/{slug}/announcements"): OPEN,
    ("GET", "/competitions/{slug}/entries"): (401, 200, 200, 200, 200),
    ("GET", "/score"): OPEN,
    ("GET", "/competitions/{slug}/submit"): (401, 200, 200, 200, 200),
    ("POST", "/competitions/{slug}/submit"): (401, 422, 422, 422, 422),
    ("POST", "/submissions/{submission_id}/cancel"): (401, 404, 303, 403, 303),
    ("POST", "/submissions/{submission_id}/moderate"): (401, 403, 403, 303, 303),
    ("GET", "/audit"): (401, 403, 403, 200, 200),
    ("POST", "/api/v1/admin/competitions/{slug}/state"): (401, 403, 403, 200, 200),
    ("POST", "/api/v1/admin/submissions/{submission_id}/disqualify"): (401, 403, 403, 200, 200),
    ("POST", "/api/v1/admin/submissions/{submission_id}/reinstate"): (401, 403, 403, 409, 409),
    ("GET", "/api/v1/admin/audit"): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/admin/audit.csv"): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/admin/competitions/{slug}/boards"): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/admin/audit/verify"): (401, 403, 403, 200, 200),
    ("GET", "/admin/queue"): (401, 403, 403, 200, 200),
    ("GET", "/admin/nodes"): (401, 403, 403, 200, 200),
    ("GET", "/admin/costs"): (401, 403, 403, 200, 200),
    ("GET", "/admin/leaks"): (401, 403, 403, 200, 200),
    ("GET", "/competitions/{slug}/rejudges"): (401, 403, 403, 200, 200),
    ("POST", "/competitions/{slug}/rejudges"): (401, 403, 403, 422, 422),
    ("GET", "/competitions/{slug}/rejudges/{rejudge_id}"): (401, 403, 403, 404, 404),
    ("POST", "/competitions/{slug}/rejudges/{rejudge_id}"): (401, 403, 403, 404, 404),
    ("GET", "/api/v1/admin/rejudges"): (401, 403, 403, 200, 200),
    ("POST", "/api/v1/admin/rejudges/preview"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/admin/rejudges"): (401, 403, 403, 404, 404),
    ("GET", "/api/v1/admin/rejudges/{rejudge_id}"): (401, 403, 403, 404, 404),
    ("GET", "/api/v1/admin/rejudges/{rejudge_id}/comparison"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/admin/rejudges/{rejudge_id}/promote"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/admin/rejudges/{rejudge_id}/discard"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/admin/rejudges/{rejudge_id}/pause"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/admin/rejudges/{rejudge_id}/resume"): (401, 403, 403, 404, 404),
    ("GET", "/admin/flags"): (401, 403, 403, 200, 200),
    ("POST", "/admin/flags/{evaluation_id}/{code}"): (401, 403, 403, 422, 422),
    ("GET", "/api/v1/admin/flags"): (401, 403, 403, 200, 200),
    ("POST", "/api/v1/admin/evaluations/{evaluation_id}/flags/{code}/decision"): (401, 403, 403, 404, 404),
    ("POST", "/admin/nodes/{name}"): (401, 403, 403, 403, 422),
    ("POST", "/admin/queue/{evaluation_id}"): (401, 403, 403, 422, 422),
    ("GET", "/api/v1/admin/queue"): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/admin/nodes"): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/admin/costs"): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/admin/leaks"): (401, 403, 403, 200, 200),
    ("POST", "/admin/nodes"): (401, 403, 403, 403, 422),
    ("POST", "/admin/nodes/{name}/key"): (401, 403, 403, 403, 422),
    ("GET", "/api/v1/admin/node-keys"): (401, 403, 403, 200, 200),
    ("POST", "/api/v1/admin/node-keys"): (401, 403, 403, 403, 201),
    ("POST", "/api/v1/admin/node-keys/{name}/rotate"): (401, 403, 403, 403, 404),
    ("POST", "/api/v1/admin/node-keys/{name}/revoke"): (401, 403, 403, 403, 404),
    # with a node's own key, and nothing that people are given
    ("POST", "/api/v1/nodes/report"): (401, 401, 401, 401, 401),
    ("POST", "/api/v1/nodes/work"): (401, 401, 401, 401, 401),
    ("POST", "/api/v1/nodes/leave"): (401, 401, 401, 401, 401),
    ("POST", "/api/v1/nodes/leases/{lease_id}/progress"): (401, 401, 401, 401, 401),
    ("POST", "/api/v1/nodes/leases/{lease_id}/result"): (401, 401, 401, 401, 401),
    ("POST", "/api/v1/nodes/leases/{lease_id}/blobs"): (401, 401, 401, 401, 401),
    ("GET", "/api/v1/nodes/leases/{lease_id}/blobs/{digest}"): (401, 401, 401, 401, 401),
    ("POST", "/api/v1/admin/nodes/{name}/drain"): (401, 403, 403, 403, 404),
    ("POST", "/api/v1/admin/nodes/{name}/activate"): (401, 403, 403, 403, 404),
    ("POST", "/api/v1/admin/evaluations/{evaluation_id}/requeue"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/admin/evaluations/{evaluation_id}/cancel"): (401, 403, 403, 404, 404),
    ("GET", "/competitions/{slug}/team"): (401, 200, 200, 200, 200),
    ("POST", "/competitions/{slug}/team"): (401, 303, 303, 303, 303),
    ("POST", "/competitions/{slug}/team/invite"): (401, 422, 422, 422, 422),
    ("POST", "/competitions/{slug}/team/accept/{invite_id}"): (401, 404, 404, 404, 404),
    ("POST", "/competitions/{slug}/team/decline/{invite_id}"): (401, 404, 404, 404, 404),
    ("POST", "/competitions/{slug}/team/leave"): (401, 422, 422, 422, 422),
    ("GET", "/api/v1/competitions/{slug}/team"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/competitions/{slug}/teams"): (401, 201, 201, 201, 201),
    ("PATCH", "/api/v1/teams/{team_id}"): (401, 404, 404, 404, 404),
    ("POST", "/api/v1/teams/{team_id}/invites"): (401, 404, 404, 404, 404),
    ("POST", "/api/v1/teams/{team_id}/leave"): (401, 404, 404, 404, 404),
    ("POST", "/api/v1/invites/{invite_id}/accept"): (401, 404, 404, 404, 404),
    ("DELETE", "/api/v1/invites/{invite_id}"): (401, 404, 404, 404, 404),
    ("GET", "/admin"): (401, 403, 403, 403, 200),
    ("POST", "/admin/plan"): (401, 403, 403, 403, 422),
    ("POST", "/admin/apply"): (401, 403, 403, 403, 422),
    ("POST", "/admin/competitions/{slug}/prepare"): (401, 403, 403, 403, 409),
    ("GET", "/admin/competitions/{slug}/preview"): (401, 403, 403, 403, 200),
    ("POST", "/admin/competitions/{slug}/preview"): (401, 403, 403, 403, 303),
    ("GET", "/api/v1/admin/competitions/{slug}/preview"): (401, 403, 403, 403, 200),
    ("POST", "/api/v1/admin/competitions/{slug}/preview"): (401, 403, 403, 403, 202),
    ("GET", "/api/v1/admin/competitions/{slug}/preview/{role}/samples/{place}"): (401, 403, 403, 403, 404),
    ("GET", "/admin/competitions/{slug}/pools"): (401, 403, 403, 403, 200),
    ("POST", "/admin/competitions/{slug}/pools/verify"): (401, 403, 403, 403, 200),
    ("POST", "/admin/competitions/{slug}/pools/retire"): (401, 403, 403, 403, 422),
    ("POST", "/admin/competitions/{slug}/pools/open"): (401, 403, 403, 403, 422),
    ("GET", "/api/v1/admin/competitions/{slug}/pools"): (401, 403, 403, 403, 200),
    ("POST", "/api/v1/admin/competitions/{slug}/pools/verify"): (401, 403, 403, 403, 200),
    ("POST", "/api/v1/admin/competitions/{slug}/pools/retire"): (401, 403, 403, 403, 409),
    ("GET", "/admin/competitions/new"): (401, 403, 403, 403, 200),
    ("POST", "/admin/competitions/new"): (401, 403, 403, 403, 422),
    ("GET", "/api/v1/admin/competitions"): (401, 403, 403, 403, 200),
    ("GET", "/api/v1/admin/competitions/{slug}/file"): (401, 403, 403, 403, 200),
    ("GET", "/admin/data-sets"): (401, 403, 403, 403, 200),
    ("POST", "/admin/data-sets"): (401, 403, 403, 403, 422),
    ("GET", "/admin/data-sets/{name}/{number}"): (401, 403, 403, 403, 404),
    ("POST", "/admin/data-sets/{name}/{number}/revoke"): (401, 403, 403, 403, 404),
    ("GET", "/api/v1/admin/data-sets/{name}/versions/{number}/lineage"): (401, 403, 403, 403, 404),
    ("POST", "/api/v1/admin/data-sets/{name}/versions/{number}/revoke"): (401, 403, 403, 403, 404),
    ("GET", "/api/v1/admin/data-sets"): (401, 403, 403, 403, 200),
    ("POST", "/api/v1/admin/data-sets/{name}/versions"): (401, 403, 403, 403, 422),
    ("GET", "/api/v1/admin/data-sets/{name}/versions/{number}"): (401, 403, 403, 403, 404),
    ("GET", "/api/v1/admin/data-sets/{name}/versions/{number}/samples/{place}"): (401, 403, 403, 403, 404),
    ("GET", "/competitions/{slug}/compare"): (401, 404, 200, 200, 200),
    ("GET", "/api/v1/competitions/{slug}/compare"): (401, 404, 200, 200, 200),
    ("PATCH", "/api/v1/admin/competitions/{slug}"): (401, 403, 403, 200, 200),
    ("GET", "/competitions/{slug}/rules"): OPEN,
    ("POST", "/competitions/{slug}/rules"): (401, 403, 403, 303, 303),
    ("POST", "/competitions/{slug}/rules/accept"): (401, 422, 422, 422, 422),
    ("GET", "/api/v1/competitions/{slug}/rules"): OPEN,
    ("POST", "/api/v1/competitions/{slug}/rules/acceptance"): (401, 404, 404, 404, 404),
    ("PUT", "/api/v1/admin/competitions/{slug}/rules"): (401, 403, 403, 200, 200),
    ("PUT", "/api/v1/admin/competitions/{slug}"): (401, 403, 403, 403, 422),
    ("POST", "/api/v1/check"): (401, 422, 422, 422, 422),
    ("GET", "/runtime"): OPEN,
    ("GET", "/start"): OPEN,
    ("GET", "/logout/provider"): (404, 404, 404, 404, 404),  # there is none
    ("GET", "/api/v1/starter/{name}"): (404, 404, 404, 404, 404),
    ("GET", "/api/v1/runtime"): OPEN,
    ("GET", "/api/v1/error-codes"): OPEN,
    ("GET", "/competitions/{slug}/selection"): (401, 200, 200, 200, 200),
    ("POST", "/competitions/{slug}/selection"): (401, 303, 303, 303, 303),
    ("GET", "/competitions/{slug}/final"): (404, 404, 404, 200, 200),
    ("GET", "/api/v1/competitions/{slug}/phases"): OPEN,
    ("GET", "/api/v1/competitions/{slug}/selection"): (401, 200, 200, 200, 200),
    ("PUT", "/api/v1/competitions/{slug}/selection"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/competitions/{slug}/final"): (404, 404, 404, 200, 200),
    ("GET", "/api/v1/competitions/{slug}/final.csv"): (404, 404, 404, 200, 200),
    ("GET", "/api/v1/competitions/{slug}/final/changes"): (404, 404, 404, 200, 200),
    ("GET", "/api/v1/admin/competitions/{slug}/private"): (401, 403, 403, 200, 200),
    ("POST", "/api/v1/admin/competitions/{slug}/private/start"): (401, 403, 403, 409, 409),
    ("POST", "/api/v1/admin/competitions/{slug}/private/propose"): (401, 403, 403, 409, 409),
    ("POST", "/api/v1/admin/competitions/{slug}/private/publish"): (401, 403, 403, 409, 409),
    ("POST", "/markdown"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/competitions/{slug}/images/{digest}"): (404, 404, 404, 404, 404),
    ("GET", "/api/v1/admin/competitions/{slug}/presentation"): (401, 403, 403, 200, 200),
    ("PUT", "/api/v1/admin/competitions/{slug}/overview"): (401, 403, 403, 200, 200),
    ("PUT", "/api/v1/admin/competitions/{slug}/cover"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/admin/competitions/{slug}/images"): (401, 403, 403, 422, 422),
    ("DELETE", "/api/v1/admin/competitions/{slug}/images/{digest}"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/admin/competitions/{slug}/grants"): (401, 403, 403, 404, 404),
    ("GET", "/api/v1/competitions/{slug}/announcements"): OPEN,
    ("POST", "/api/v1/admin/competitions/{slug}/announcements"): (401, 403, 403, 201, 201),
    ("GET", "/api/v1/competitions/{slug}/announcements.atom"): OPEN,
    ("PATCH", "/api/v1/admin/competitions/{slug}/announcements/{announcement_id}"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/admin/competitions/{slug}/announcements/{announcement_id}/withdraw"): (401, 403, 403, 404, 404),
    ("GET", "/account/notifications"): (401, 200, 200, 200, 200),
    ("POST", "/account/notifications/mail"): (401, 303, 303, 303, 303),
    ("POST", "/account/notifications/webhooks"): (401, 422, 422, 422, 422),
    ("POST", "/account/notifications/webhooks/{webhook_id}/{deed}"): (401, 404, 404, 404, 404),
    ("POST", "/account/notifications/webhooks/{webhook_id}/secret"): (401, 404, 404, 404, 404),
    ("GET", "/account/security"): (401, 200, 200, 200, 200),
    ("POST", "/account/security/password"): (401, 422, 422, 422, 422),
    ("POST", "/account/security/logout-everywhere"): (401, 403, 403, 403, 403),  # no page of ours sent it
    ("GET", "/login/provider"): (404, 404, 404, 404, 404),  # none is configured
    ("GET", "/login/provider/callback"): (404, 404, 404, 404, 404),
    ("GET", "/login/provider/name"): (401, 401, 401, 401, 401),
    ("POST", "/login/provider/name"): (403, 403, 403, 403, 403),
    ("GET", "/account/identities/connect"): (401, 403, 403, 403, 403),
    ("POST", "/account/identities/{identity_id}/remove"): (401, 404, 404, 404, 404),
    ("POST", "/api/v1/me/password"): (401, 422, 422, 422, 422),
    ("POST", "/api/v1/me/logout"): (401, 204, 204, 204, 204),
    ("GET", "/mail/confirm"): (404, 404, 404, 404, 404),
    ("POST", "/mail/confirm"): (404, 404, 404, 404, 404),
    ("GET", "/mail/unsubscribe"): OPEN,
    ("POST", "/mail/unsubscribe"): OPEN,
    ("GET", "/api/v1/me/notifications"): (401, 200, 200, 200, 200),
    ("PATCH", "/api/v1/me/notifications"): (401, 422, 422, 422, 422),
    ("GET", "/api/v1/me/webhooks"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/me/webhooks"): (401, 422, 422, 422, 422),
    ("PATCH", "/api/v1/me/webhooks/{webhook_id}"): (401, 422, 422, 422, 422),
    ("DELETE", "/api/v1/me/webhooks/{webhook_id}"): (401, 404, 404, 404, 404),
    ("POST", "/api/v1/me/webhooks/{webhook_id}/test"): (401, 404, 404, 404, 404),
    ("POST", "/api/v1/me/webhooks/{webhook_id}/secret"): (401, 422, 422, 422, 422),
    ("GET", "/api/v1/me/deliveries"): (401, 200, 200, 200, 200),
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): (503, 503, 503, 503, 503),  # no worker reports to the server of a test
    ("GET", "/metrics"): (401, 403, 403, 200, 200),
    ("POST", "/api/v1/users"): (422, 422, 422, 422, 422),
    ("POST", "/api/v1/tokens"): (422, 422, 422, 422, 422),
    ("POST", "/api/v1/auth/login"): (422, 422, 422, 422, 422),
    ("POST", "/api/v1/auth/logout"): (403, 403, 403, 403, 403),
    ("POST", "/api/v1/me/tokens"): (401, 422, 422, 422, 422),
    ("GET", "/api/v1/tokens"): (401, 200, 200, 200, 200),
    ("DELETE", "/api/v1/tokens/{token_id}"): (401, 404, 404, 404, 404),
    ("GET", "/api/v1/me"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/competitions"): OPEN,
    ("GET", "/api/v1/competitions/{slug}"): OPEN,
    ("GET", "/api/v1/competitions/{slug}/limits"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/competitions/{slug}/limits/ledger"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/admin/competitions/{slug}/ledger"): (401, 403, 403, 422, 422),
    ("GET", "/competitions/{slug}/ledger"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/competitions/{slug}/leaderboard"): OPEN,
    ("GET", "/api/v1/competitions/{slug}/leaderboard.csv"): OPEN,
    ("GET", "/api/v1/competitions/{slug}/leaderboard/changes"): OPEN,
    ("GET", "/api/v1/competitions/{slug}/leaderboard/me"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/competitions/{slug}/submissions"): (401, 403, 403, 202, 202),  # purpose: reference
    ("GET", "/api/v1/submissions"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/submissions/{submission_id}"): (404, 404, 200, 200, 200),
    ("GET", "/api/v1/submissions/{submission_id}/events"): (404, 404, 200, 200, 200),
    ("GET", "/api/v1/submissions/{submission_id}/scorecard"): (404, 404, 200, 200, 200),
    ("GET", "/api/v1/submissions/{submission_id}/report"): (404, 404, 200, 200, 200),
    ("GET", "/api/v1/submissions/{submission_id}/source"): (404, 404, 200, 200, 200),
    ("POST", "/api/v1/submissions/{submission_id}/cancel"): (401, 404, 202, 403, 202),
    ("POST", "/api/v1/submissions/{submission_id}/promote"): (401, 404, 202, 403, 403),
    ("POST", "/submissions/{submission_id}/promote"): (401, 404, 303, 403, 403),
    **PEOPLE_MATRIX,
    **STAFF_MATRIX,
}

NOTHING = {
    "token_id": "none",
    "team_id": "none",
    "invite_id": "none",
    "name": "none",
    "evaluation_id": "none",
    "code": "none",
    "rejudge_id": "none",
    "role": "public",
    "number": 1,
    "place": 0,
    "step": "start",
    "set_up_id": "none",
    "part": "name",
    "webhook_id": "none",
    "identity_id": "none",
    "deed": "test",
    "announcement_id": "none",
    "thread_id": "none",
    "message_id": "none",
    "post_id": "none",
    "lease_id": "none",
    "digest": "0" * 64,
}

LIFE_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/admin/node-keys"): {"json": {"name": "gpu-1", "reason": "a test"}},
    ("POST", "/api/v1/admin/rejudges/preview"): {"json": {"competition": "none"}},
    ("POST", "/api/v1/admin/rejudges"): {"json": {"competition": "none", "reason": "a test"}},
    ("POST", "/api/v1/admin/competitions/{slug}/grants"): {"json": {"team": "nobody", "amount": 1, "reason": "a test"}},
    ("POST", "/api/v1/admin/competitions/{slug}/announcements"): {"json": {"title": "hear", "text": "all"}},
    ("POST", "/api/v1/admin/evaluations/{evaluation_id}/flags/{code}/decision"): {
        "json": {"reason": "a test", "decision": "upheld"}
    },
    ("POST", "/api/v1/admin/competitions/{slug}/private/propose"): {"json": {"reason": "a test", "digest": "0" * 64}},
    ("PUT", "/api/v1/competitions/{slug}/selection"): {"json": {"submission_ids": []}},
    ("POST", "/competitions/{slug}/organize/private/{step}"): {"data": {"reason": "a test"}},
    ("PATCH", "/api/v1/admin/competitions/{slug}/announcements/{announcement_id}"): {
        "json": {"title": "hear", "reason": "a test"}
    },
    ("PATCH", "/api/v1/admin/competitions/{slug}"): {"json": {"daily_limit": 7, "reason": "a test"}},
    ("POST", "/competitions/{slug}/rules"): {"data": {"text": "be fair"}},
    ("POST", "/competitions/{slug}/organize/presentation"): {"data": {"text": "why"}},
    ("PUT", "/api/v1/admin/competitions/{slug}/overview"): {"json": {"text": "why"}},
    ("PUT", "/api/v1/admin/competitions/{slug}/cover"): {"json": {"digest": "0" * 64}},
    ("POST", "/api/v1/competitions/{slug}/rules/acceptance"): {"json": {"version": 1}},
    ("PUT", "/api/v1/admin/competitions/{slug}/rules"): {"json": {"text": "be fair"}},
    **PEOPLE_BODIES,
}


def find_actions(route: APIRoute) -> set[Action]:
    calls = [dependency.call for dependency in route.dependant.dependencies]
    return {call.action for call in calls if isinstance(call, Permission)}


def test_every_route_declares_the_action_it_allows(client: TestClient) -> None:
    routes = list(iter_routes(client))
    assert [path for _, path, route in routes if len(find_actions(route)) != 1] == []
    assert len(routes) > 15


def test_every_route_is_in_the_matrix(client: TestClient) -> None:
    assert {(method, path) for method, path, _ in iter_routes(client)} == set(MATRIX)


@pytest.mark.parametrize(("method", "path"), MATRIX)
def test_a_route_answers_every_role_as_the_matrix_says(
    client: TestClient, engine: Engine, login: Callable[..., Login], method: str, path: str
) -> None:
    callers = {role: login(role, "participant" if role == "owner" else role).headers for role in ROLES[1:]}
    answers = []
    for role in ROLES:
        submission = make_hidden(client, engine, path)
        deed = {"deed": "hide"} if "/discussion/" in path else {"deed": "suspend"} if "/users/" in path else {}
        nothing = NOTHING | deed
        url = path.format(slug=submission.competition_id, submission_id=submission.id, **nothing)
        body: dict[str, Any] = {}
        if path.endswith("/compare"):
            body = {"params": {"a": submission.id, "b": submission.id}}
        if method == "POST" and path.endswith("/submissions"):
            body = {"files": {"file": ("a.py", factories.SOURCE)}, "data": {"purpose": "reference"}}
        if "/admin/" in path and method == "POST":
            body = {"json": {"reason": "a test", **({"state": "frozen"} if path.endswith("/state") else {})}}
        if path.endswith(("/teams", "/teams/{team_id}")):
            body = {"json": {"name": f"team of {role}"}}
        if path == "/api/v1/me/logout":
            body = {"json": {}}
        if path.endswith("/invites"):
            body = {"json": {"user": "owner"}}
        if path == "/competitions/{slug}/team":
            body = {"data": {"name": f"team of {role}"}}
        body |= LIFE_BODIES.get((method, path), {})
        if path.endswith("/moderate"):
            body = {"data": {"reason": "a test"}}
        answers.append(client.request(method, url, headers=callers.get(role, {}), follow_redirects=False, **body))
    assert tuple(answer.status_code for answer in answers) == MATRIX[(method, path)], [each.text for each in answers]


def make_hidden(client: TestClient, engine: Engine, path: str) -> Submission:
    """The owner's submission to a hidden problem named by its id: scored, or waiting where it is to be cancelled."""
    digest = client.app.state.store.put(factories.SOURCE)  # type: ignore[attr-defined]
    with transaction(engine) as session:
        owner = session.scalars(select(User).where(User.name == "owner")).one()
        competition = factories.make_competition(session, exposure="private")
        competition.slug = competition.id
        factories.make_private_phase(session, competition)
        if path.endswith("/promote"):
            phase = factories.make_practice_phase(session, competition)
            submission, _ = factories.make_practised(session, competition, owner, phase)
            submission.source_digest = digest
            return submission
        if not path.endswith("/cancel"):
            return factories.make_scored(session, competition, owner, source_digest=digest, report_digest=digest)
        submission = factories.make_submission(session, competition, owner)
        factories.make_evaluation(session, submission)
        return submission


def test_a_token_that_is_not_one_is_refused_even_on_public_routes(client: TestClient) -> None:
    answer = client.get("/api/v1/competitions", headers={"Authorization": "Bearer lct_forged"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="lacuna"')
