"""The calls of staff: what LacunaClient can do for those who run the platform."""

from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import quote

JSON = dict[str, Any]


class StaffCalls(ABC):
    @abstractmethod
    def _call(self, method: str, path: str, *, repeat: bool = True, **options: Any) -> JSON:
        """Send one request and return the JSON object it is answered with."""

    def get_queue(self) -> JSON:
        return self._call("GET", "/admin/queue")

    def list_nodes(self) -> JSON:
        return self._call("GET", "/admin/nodes")

    def set_node(self, name: str, deed: str, reason: str) -> JSON:
        """deed: `drain` or `activate`."""
        return self._decide(f"/admin/nodes/{quote(name, safe='')}/{deed}", {"reason": reason})

    def list_node_keys(self) -> JSON:
        return self._call("GET", "/admin/node-keys")

    def add_node_key(self, name: str, purposes: list[str], reason: str) -> JSON:
        """purposes: of submissions that it may run; none: all of them."""
        chosen = {"purposes": purposes} if purposes else {}
        return self._decide("/admin/node-keys", {"name": name, **chosen, "reason": reason})

    def change_node_key(self, name: str, deed: str, reason: str) -> JSON:
        """deed: `rotate` or `revoke`."""
        return self._decide(f"/admin/node-keys/{quote(name, safe='')}/{deed}", {"reason": reason})

    def get_costs(self, *, days: int, competition: str = "") -> JSON:
        wanted = {"days": days} | ({"competition": competition} if competition else {})
        return self._call("GET", "/admin/costs", params=wanted)

    def get_leaks(self, *, competition: str = "") -> JSON:
        return self._call("GET", "/admin/leaks", params={"competition": competition} if competition else {})

    def act_on_evaluation(self, evaluation_id: str, deed: str, reason: str) -> JSON:
        """deed: `requeue` or `cancel`."""
        return self._decide(f"/admin/evaluations/{evaluation_id}/{deed}", {"reason": reason})

    def list_flags(self, *, state: str, competition: str = "") -> JSON:
        """state: `open`, `decided` or `all`."""
        wanted = {"state": state} | ({"competition": competition} if competition else {})
        return self._call("GET", "/admin/flags", params=wanted)

    def decide_flag(self, evaluation_id: str, code: str, decision: str, reason: str) -> JSON:
        """decision: `dismissed` or `upheld`."""
        path = f"/admin/evaluations/{evaluation_id}/flags/{quote(code, safe='')}/decision"
        return self._decide(path, {"decision": decision, "reason": reason})

    def verify_boards(self, slug: str) -> JSON:
        return self._call("GET", f"/admin/competitions/{slug}/boards")

    def get_ledger_of_team(self, slug: str, team: str) -> JSON:
        return self._call("GET", f"/admin/competitions/{slug}/ledger", params={"team": team})

    def edit_announcement(self, slug: str, announcement_id: str, changes: JSON, reason: str) -> JSON:
        path = f"/admin/competitions/{slug}/announcements/{announcement_id}"
        return self._call("PATCH", path, json={**changes, "reason": reason}, repeat=False)

    def withdraw_announcement(self, slug: str, announcement_id: str, reason: str) -> JSON:
        return self._decide(f"/admin/competitions/{slug}/announcements/{announcement_id}/withdraw", {"reason": reason})

    def list_rejudges(self, competition: str = "") -> JSON:
        wanted = {"competition": competition} if competition else {}
        return self._call("GET", "/admin/rejudges", params=wanted)

    def preview_rejudge(self, scope: JSON) -> JSON:
        """scope: `competition`, and `verdicts` or `submissions` to leave others out."""
        return self._call("POST", "/admin/rejudges/preview", json=scope)

    def start_rejudge(self, scope: JSON, reason: str) -> JSON:
        return self._decide("/admin/rejudges", {**scope, "reason": reason})

    def get_rejudge(self, rejudge_id: str) -> JSON:
        return self._call("GET", f"/admin/rejudges/{rejudge_id}")

    def compare_rejudge(self, rejudge_id: str) -> JSON:
        return self._call("GET", f"/admin/rejudges/{rejudge_id}/comparison")

    def decide_rejudge(self, rejudge_id: str, deed: str, reason: str) -> JSON:
        """deed: `promote`, `discard`, `pause` or `resume`."""
        return self._decide(f"/admin/rejudges/{rejudge_id}/{deed}", {"reason": reason})

    def _decide(self, path: str, body: JSON) -> JSON:
        return self._call("POST", path, json=body, repeat=False)

    def get_competition_file(self, slug: str) -> JSON:
        return self._call("GET", f"/admin/competitions/{quote(slug, safe='')}/file")

    def list_pools(self, slug: str) -> JSON:
        return self._call("GET", f"/admin/competitions/{quote(slug, safe='')}/pools")

    def verify_pools(self, slug: str) -> JSON:
        return self._call("POST", f"/admin/competitions/{quote(slug, safe='')}/pools/verify")

    def retire_pools(self, slug: str, reason: str) -> JSON:
        return self._decide(f"/admin/competitions/{quote(slug, safe='')}/pools/retire", {"reason": reason})

    def ask_for_preview(self, slug: str) -> JSON:
        return self._call("POST", f"/admin/competitions/{quote(slug, safe='')}/preview")

    def get_preview(self, slug: str) -> JSON:
        return self._call("GET", f"/admin/competitions/{quote(slug, safe='')}/preview")
