"""The HTTP API as plain calls; usable from a notebook. Every failure is a ContestError with one readable line."""

import uuid
import weakref
from types import TracebackType
from typing import Any

import httpx2
import stamina

from client.failures import CommandFailed, Exit
from client.people import PeopleCalls
from client.problem_details import Transient, read_problem, read_retry_after
from client.staff import StaffCalls
from core.domain.errors import InvalidInput, NotAuthenticated, PlatformFault

API = "/api/v1"
ATTEMPTS = 4
PATIENCE_SECONDS = 60.0
BOARD_LINES = 1000  # a request
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
JSON = dict[str, Any]


class ServerUnreachable(CommandFailed):
    """Nobody answers at that address."""

    def __init__(self, url: str, reason: str) -> None:
        hint = "start the platform on this machine with `lacuna up`, or name another server with --url"
        super().__init__(f"no answer from {url}: {reason}", exit_code=Exit.ERRORED, hint=hint)


class LacunaClient(StaffCalls, PeopleCalls):
    """One server, one account. Reads and keyed writes are repeated with growing, jittered pauses."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        transport: httpx2.BaseTransport | None = None,
        timeout: float = 30.0,
    ) -> None:
        self.url = url.rstrip("/")
        self.token = token
        try:
            host = httpx2.URL(self.url).host
        except httpx2.InvalidURL as error:
            raise InvalidInput(f"{url!r} is not a server address: {error}") from None
        if not host or not self.url.startswith(("http://", "https://")):
            raise InvalidInput(f"{url!r} is not a server address; it looks like http://127.0.0.1:8400")
        self._http = httpx2.Client(
            base_url=self.url, timeout=timeout, transport=transport, trust_env=host not in LOOPBACK_HOSTS
        )
        weakref.finalize(self, self._http.close)  # in a notebook nobody closes it

    def __enter__(self) -> "LacunaClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def register(self, name: str, password: str) -> JSON:
        return self._call("POST", "/users", json={"name": name, "password": password}, repeat=False)

    def create_token(self, name: str, password: str, *, label: str = "", code: str = "") -> str:
        """Return a new token, and use it from now on. code: of the second factor, where the account has one."""
        body = {"name": name, "password": password, "label": label} | ({"code": code} if code else {})
        try:
            self.token = str(self._call("POST", "/tokens", json=body, repeat=False)["token"])
        except NotAuthenticated as error:
            raise type(error)(error.message) from None  # without the hint to log in
        return self.token

    def list_competitions(self) -> list[JSON]:
        return self._list("/competitions")

    def get_competition(self, slug: str) -> JSON:
        return self._call("GET", f"/competitions/{slug}")

    def get_limits(self, slug: str) -> JSON:
        return self._call("GET", f"/competitions/{slug}/limits")

    def submit(
        self,
        slug: str,
        filename: str,
        content: bytes,
        *,
        note: str = "",
        note_readers: str = "everybody",
        purpose: str = "ranked",
        key: str | None = None,
    ) -> JSON:
        """Upload a submission. The same key with the same content never submits twice."""
        return self._call(
            "POST",
            f"/competitions/{slug}/submissions",
            files={"file": (filename, content, "application/octet-stream")},
            data={"note": note, "note_readers": note_readers, "purpose": purpose},
            headers={"Idempotency-Key": key or str(uuid.uuid4())},
        )

    def promote(self, submission_id: str, *, key: str | None = None) -> JSON:
        """Submit the source of a practice submission for real."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._call("POST", f"/submissions/{submission_id}/promote", headers=headers)

    def list_submissions(self) -> list[JSON]:
        """The newest first."""
        return self._list("/submissions")

    def list_newest_submissions(self, count: int) -> list[JSON]:
        return list(self._call("GET", "/submissions", params={"limit": str(count)})["items"])

    def get_submission(self, submission_id: str) -> JSON:
        return self._call("GET", f"/submissions/{submission_id}")

    def edit_note(self, submission_id: str, change: JSON) -> JSON:
        """change: `note`, `note_readers`, or both."""
        return self._call("PATCH", f"/submissions/{submission_id}", json=change)

    def get_source(self, submission_id: str) -> bytes:
        """The uploaded file."""
        return self._request("GET", f"/submissions/{submission_id}/source").content

    def get_scorecard(self, submission_id: str) -> JSON:
        return self._call("GET", f"/submissions/{submission_id}/scorecard")

    def get_leaderboard(self, slug: str, *, as_of: str = "", phase: str = "") -> JSON:
        """The whole board, however many pages it has; all of them are of one version.

        phase: `public` or `private`; without it the final board once it is published, the public one before.
        """
        path, asked = f"/competitions/{slug}/leaderboard", {"as_of": as_of, "phase": phase}
        params = {name: value for name, value in asked.items() if value}
        board = self._call("GET", path, params=params | {"limit": str(BOARD_LINES)})
        cursor = board.get("next_cursor")
        while cursor:
            page = self._call("GET", path, params={"cursor": cursor, "limit": str(BOARD_LINES)})
            board["entries"] += page["entries"]
            cursor = page.get("next_cursor")
        return board | {"next_cursor": None}

    def get_own_place(self, slug: str, *, phase: str = "") -> JSON:
        params = {"phase": phase} if phase else {}
        return self._call("GET", f"/competitions/{slug}/leaderboard/me", params=params)

    def list_board_changes(self, slug: str, *, limit: int = 50, phase: str = "") -> list[JSON]:
        """The newest first."""
        params = {"limit": str(limit)} | ({"phase": phase} if phase else {})
        answer = self._call("GET", f"/competitions/{slug}/leaderboard/changes", params=params)
        return list(answer["items"])

    def compare(self, slug: str, a: str, b: str) -> JSON:
        """Two of one's own scored submissions side by side."""
        return self._call("GET", f"/competitions/{slug}/compare", params={"a": a, "b": b})

    def get_runtime(self) -> JSON:
        return self._call("GET", "/runtime")

    def list_error_codes(self) -> list[JSON]:
        return self._list("/error-codes")

    def cancel(self, submission_id: str) -> JSON:
        return self._call("POST", f"/submissions/{submission_id}/cancel", repeat=False)

    def get_own_team(self, slug: str) -> JSON:
        return self._call("GET", f"/competitions/{slug}/team")

    def create_team(self, slug: str, name: str) -> JSON:
        return self._call("POST", f"/competitions/{slug}/teams", json={"name": name}, repeat=False)

    def rename_team(self, team_id: str, name: str) -> JSON:
        return self._call("PATCH", f"/teams/{team_id}", json={"name": name}, repeat=False)

    def invite_to_team(self, team_id: str, user: str) -> JSON:
        return self._call("POST", f"/teams/{team_id}/invites", json={"user": user}, repeat=False)

    def accept_invite(self, invite_id: str) -> JSON:
        return self._call("POST", f"/invites/{invite_id}/accept", repeat=False)

    def decline_invite(self, invite_id: str) -> JSON:
        return self._call("DELETE", f"/invites/{invite_id}", repeat=False)

    def leave_team(self, team_id: str) -> JSON:
        return self._call("POST", f"/teams/{team_id}/leave", repeat=False)

    def change_password(self, old: str, new: str) -> JSON:
        return self._call("POST", "/me/password", json={"old": old, "new": new}, repeat=False)

    def log_out_everywhere(self, *, tokens: bool) -> JSON:
        return self._call("POST", "/me/logout", json={"tokens": tokens}, repeat=False)

    def list_tokens(self) -> list[JSON]:
        return self._list("/tokens")

    def get_me(self) -> JSON:
        return self._call("GET", "/me")

    def revoke_token(self, token_id: str) -> JSON:
        """token_id: `current` for the one in use."""
        return self._call("DELETE", f"/tokens/{token_id}", repeat=False)

    def get_notifications(self) -> JSON:
        return self._call("GET", "/me/notifications")

    def change_notifications(self, changes: JSON) -> JSON:
        return self._call("PATCH", "/me/notifications", json=changes, repeat=False)

    def list_webhooks(self) -> list[JSON]:
        return self._list("/me/webhooks")

    def create_webhook(self, url: str, events: list[str]) -> JSON:
        return self._call("POST", "/me/webhooks", json={"url": url, "events": events}, repeat=False)

    def change_webhook(self, webhook_id: str, changes: JSON) -> JSON:
        return self._call("PATCH", f"/me/webhooks/{webhook_id}", json=changes, repeat=False)

    def change_webhook_secret(self, webhook_id: str, overlap_hours: int | None = None) -> JSON:
        body = {} if overlap_hours is None else {"overlap_hours": overlap_hours}
        return self._call("POST", f"/me/webhooks/{webhook_id}/secret", json=body, repeat=False)

    def delete_webhook(self, webhook_id: str) -> JSON:
        return self._call("DELETE", f"/me/webhooks/{webhook_id}", repeat=False)

    def test_webhook(self, webhook_id: str) -> JSON:
        return self._call("POST", f"/me/webhooks/{webhook_id}/test", repeat=False)

    def list_deliveries(self) -> list[JSON]:
        return self._list("/me/deliveries")

    def change_state(self, slug: str, state: str, reason: str) -> JSON:
        body = {"state": state, "reason": reason}
        return self._call("POST", f"/admin/competitions/{slug}/state", json=body, repeat=False)

    def change_settings(self, slug: str, changes: JSON, reason: str) -> JSON:
        body = {**changes, "reason": reason}
        return self._call("PATCH", f"/admin/competitions/{slug}", json=body, repeat=False)

    def get_rules(self, slug: str) -> JSON:
        return self._call("GET", f"/competitions/{slug}/rules")

    def accept_rules(self, slug: str, version: int) -> JSON:
        return self._call("POST", f"/competitions/{slug}/rules/acceptance", json={"version": version})

    def write_rules(self, slug: str, text: str) -> JSON:
        return self._call("PUT", f"/admin/competitions/{slug}/rules", json={"text": text}, repeat=False)

    def get_selection(self, slug: str) -> JSON:
        return self._call("GET", f"/competitions/{slug}/selection")

    def select(self, slug: str, submission_ids: list[str]) -> JSON:
        return self._call("PUT", f"/competitions/{slug}/selection", json={"submission_ids": submission_ids})

    def get_private_phase(self, slug: str) -> JSON:
        return self._call("GET", f"/admin/competitions/{slug}/private")

    def move_private_phase(self, slug: str, step: str, reason: str, *, digest: str = "") -> JSON:
        """step: `start`, `propose` or `publish`; digest: of the board that was looked at."""
        body = {"reason": reason} | ({"digest": digest} if digest else {})
        return self._call("POST", f"/admin/competitions/{slug}/private/{step}", json=body, repeat=False)

    def grant(self, slug: str, team: str, amount: int, reason: str) -> JSON:
        body = {"team": team, "amount": amount, "reason": reason}
        return self._call("POST", f"/admin/competitions/{slug}/grants", json=body, repeat=False)

    def get_ledger(self, slug: str) -> JSON:
        return self._call("GET", f"/competitions/{slug}/limits/ledger")

    def list_announcements(self, slug: str) -> list[JSON]:
        return self._list(f"/competitions/{slug}/announcements")

    def announce(self, slug: str, title: str, text: str) -> JSON:
        body = {"title": title, "text": text}
        return self._call("POST", f"/admin/competitions/{slug}/announcements", json=body, repeat=False)

    def moderate(self, submission_id: str, decision: str, reason: str) -> JSON:
        """decision: `disqualify` or `reinstate`."""
        path = f"/admin/submissions/{submission_id}/{decision}"
        return self._call("POST", path, json={"reason": reason}, repeat=False)

    def list_audit(self, **chosen: str) -> JSON:
        """chosen: `actor`, `action`, `subject`, `since`, `until`."""
        return self._call("GET", "/admin/audit", params={name: value for name, value in chosen.items() if value})

    def verify_audit(self) -> JSON:
        return self._call("GET", "/admin/audit/verify")

    def list_data_sets(self) -> list[JSON]:
        return self._list("/admin/data-sets")

    def get_data_set_version(self, name: str, number: int) -> JSON:
        return self._call("GET", f"/admin/data-sets/{name}/versions/{number}")

    def add_data_set_version(self, name: str, content: bytes, **described: str) -> JSON:
        """described: `format` and, if there are any, `named` and `note`."""
        path = f"/admin/data-sets/{name}/versions"
        headers = {"Content-Type": "application/octet-stream"}
        return self._call("POST", path, content=content, params=described, headers=headers, repeat=False)

    def revoke_data_set_version(
        self, name: str, number: int, reason: str, *, dry_run: bool, stop_running: bool = False
    ) -> JSON:
        path = f"/admin/data-sets/{name}/versions/{number}/revoke"
        params = {"dry_run": str(dry_run).lower(), "stop_running": str(stop_running).lower()}
        return self._call("POST", path, json={"reason": reason}, params=params, repeat=False)

    def list_configured(self) -> list[JSON]:
        return self._list("/admin/competitions")

    def apply_competition(self, slug: str, file: JSON, *, dry_run: bool) -> JSON:
        params = {"dry_run": str(dry_run).lower()}
        return self._call("PUT", f"/admin/competitions/{slug}", json=file, params=params)

    def _list(self, path: str) -> list[JSON]:
        items: list[JSON] = []
        cursor: str | None = None
        while True:
            page = self._call("GET", path, params={"cursor": cursor} if cursor else None)
            items += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return items

    def _call(self, method: str, path: str, *, repeat: bool = True, **options: Any) -> JSON:
        """Send one request; what the server answers in the 200s is a JSON object."""
        return _read_object(self._request(method, path, repeat=repeat, **options))

    def _request(self, method: str, path: str, *, repeat: bool = True, **options: Any) -> httpx2.Response:
        headers = {**self._headers(), **options.pop("headers", {})}
        attempts = ATTEMPTS if repeat else 1
        try:
            for attempt in stamina.retry_context(on=_when_to_repeat, attempts=attempts, timeout=PATIENCE_SECONDS):
                with attempt:
                    return self._send(method, API + path, headers=headers, **options)
        except Transient as transient:
            raise transient.error from None
        raise PlatformFault(f"{self.url} was not asked")

    def _send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx2.ConnectError as error:  # at once: nobody is there, waiting rarely helps
            raise ServerUnreachable(self.url, _explain(error)) from None
        except httpx2.TransportError as error:
            raise Transient(ServerUnreachable(self.url, _explain(error))) from None
        if response.status_code >= 400:
            retry_after = read_retry_after(response)
            if retry_after is not None:
                raise Transient(read_problem(response), retry_after)
            is_entering = (method, path) == ("POST", API + "/tokens")
            raise read_problem(response, asked_by_nobody=self.token is None and not is_entering)
        return response

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def _when_to_repeat(error: Exception) -> bool | float:
    if not isinstance(error, Transient):
        return False
    return error.retry_after if error.retry_after else True


def _read_object(response: httpx2.Response) -> JSON:
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise PlatformFault(f"{response.url} does not answer like a Lacuna server")
    return body


def _explain(error: httpx2.TransportError) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "it takes too long"
    text = str(error)
    return "connection refused" if "refused" in text.lower() else text or type(error).__name__
