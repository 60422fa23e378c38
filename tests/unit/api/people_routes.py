"""Who may call what of accounts, discussion and inbox: the part of the matrix of `test_routes` about people."""

from typing import Any

OPEN = (200, 200, 200, 200, 200)
PEOPLE_MATRIX: dict[tuple[str, str], tuple[int, ...]] = {
    ("GET", "/competitions/{slug}/discussion"): OPEN,
    ("POST", "/competitions/{slug}/discussion"): (401, 422, 422, 422, 422),
    ("GET", "/competitions/{slug}/discussion/{thread_id}"): (404, 404, 404, 404, 404),
    ("POST", "/competitions/{slug}/discussion/{thread_id}"): (401, 404, 404, 404, 404),
    ("POST", "/competitions/{slug}/discussion/{thread_id}/posts/{post_id}"): (401, 404, 404, 404, 404),
    ("POST", "/competitions/{slug}/discussion/{thread_id}/moderate/{deed}"): (401, 403, 403, 404, 404),
    ("POST", "/competitions/{slug}/discussion/{thread_id}/posts/{post_id}/moderate/{deed}"): (401, 403, 403, 404, 404),
    ("GET", "/api/v1/competitions/{slug}/discussion"): OPEN,
    ("POST", "/api/v1/competitions/{slug}/discussion"): (401, 201, 201, 201, 201),
    ("GET", "/api/v1/competitions/{slug}/discussion/{thread_id}"): (404, 404, 404, 404, 404),
    ("POST", "/api/v1/competitions/{slug}/discussion/{thread_id}/posts"): (401, 404, 404, 404, 404),
    ("PATCH", "/api/v1/competitions/{slug}/discussion/{thread_id}/posts/{post_id}"): (401, 404, 404, 404, 404),
    ("POST", "/api/v1/admin/competitions/{slug}/discussion/{thread_id}/{deed}"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/admin/competitions/{slug}/discussion/{thread_id}/posts/{post_id}/{deed}"): (
        (401, 403, 403, 404, 404)
    ),
    ("GET", "/reset"): OPEN,
    ("POST", "/reset"): (403, 403, 403, 403, 403),  # no page of ours sent it
    ("GET", "/reset/new"): (404, 404, 404, 404, 404),
    ("POST", "/reset/new"): (403, 403, 403, 403, 403),
    ("POST", "/api/v1/auth/reset"): (422, 422, 422, 422, 422),
    ("POST", "/api/v1/auth/reset/confirm"): (422, 422, 422, 422, 422),
    ("GET", "/admin/users"): (401, 403, 403, 403, 200),
    ("POST", "/admin/users/import"): (401, 403, 403, 403, 422),
    ("POST", "/admin/users/{name}/role"): (401, 403, 403, 403, 422),
    ("POST", "/admin/users/{name}/reset"): (401, 403, 403, 403, 404),
    ("POST", "/admin/users/{name}/{deed}"): (401, 403, 403, 403, 404),
    ("GET", "/api/v1/admin/users"): (401, 403, 403, 403, 200),
    ("POST", "/api/v1/admin/users/import"): (401, 403, 403, 403, 422),
    ("POST", "/api/v1/admin/users/{name}/role"): (401, 403, 403, 403, 422),
    ("POST", "/api/v1/admin/users/{name}/reset"): (401, 403, 403, 403, 404),
    ("POST", "/api/v1/admin/users/{name}/{deed}"): (401, 403, 403, 403, 404),
    ("GET", "/login/code"): OPEN,
    ("POST", "/login/code"): (403, 403, 403, 403, 403),  # no page of ours sent it
    ("GET", "/account/factor"): (401, 200, 200, 200, 200),
    ("POST", "/account/factor"): (401, 303, 303, 303, 303),
    ("POST", "/account/factor/confirm"): (401, 422, 422, 422, 422),
    ("POST", "/account/factor/codes"): (401, 422, 422, 422, 422),
    ("POST", "/account/factor/remove"): (401, 422, 422, 422, 422),
    ("POST", "/api/v1/auth/code"): (422, 422, 422, 422, 422),
    ("GET", "/api/v1/me/factor"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/me/factor"): (401, 201, 201, 201, 201),
    ("POST", "/api/v1/me/factor/confirm"): (401, 422, 422, 422, 422),
    ("POST", "/api/v1/me/factor/codes"): (401, 422, 422, 422, 422),
    ("POST", "/api/v1/me/factor/remove"): (401, 422, 422, 422, 422),
    ("GET", "/inbox"): (401, 200, 200, 200, 200),
    ("POST", "/inbox"): (401, 303, 303, 303, 303),
    ("POST", "/inbox/{message_id}"): (401, 404, 404, 404, 404),
    ("GET", "/api/v1/me/inbox"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/me/inbox/read"): (401, 204, 204, 204, 204),
    ("POST", "/api/v1/me/inbox/{message_id}/read"): (401, 404, 404, 404, 404),
}
PEOPLE_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/competitions/{slug}/discussion"): {"json": {"title": "hear me", "text": "all"}},
    ("POST", "/api/v1/competitions/{slug}/discussion/{thread_id}/posts"): {"json": {"text": "all"}},
    ("PATCH", "/api/v1/competitions/{slug}/discussion/{thread_id}/posts/{post_id}"): {"json": {"text": "all"}},
    ("POST", "/admin/users/{name}/reset"): {"data": {"reason": "a test"}},
    ("POST", "/admin/users/{name}/{deed}"): {"data": {"reason": "a test"}},
    ("POST", "/competitions/{slug}/discussion/{thread_id}"): {"data": {"text": "all"}},
    ("POST", "/competitions/{slug}/discussion/{thread_id}/posts/{post_id}"): {"data": {"text": "all"}},
    ("POST", "/competitions/{slug}/discussion/{thread_id}/moderate/{deed}"): {"data": {"reason": "a test"}},
    ("POST", "/competitions/{slug}/discussion/{thread_id}/posts/{post_id}/moderate/{deed}"): {
        "data": {"reason": "a test"}
    },
}
