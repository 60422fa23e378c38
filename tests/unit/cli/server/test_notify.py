import json
from collections.abc import Callable
from typing import Any

import pytest

from core.domain.notifications import Event
from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
HOOK = {
    "id": "w1",
    "url": "https://host.example/hook",
    "events": ["team.invited"],
    "created_at": "2026-11-21T10:00:00Z",
    "disabled_at": None,
    "disabled_reason": "",
}
SENT = {
    "id": "d1",
    "webhook_id": "w1",
    "target": HOOK["url"],
    "event": "webhook.test",
    "state": "failed",
    "attempts": 1,
    "status_code": 500,
    "error": "answered 500",
    "created_at": "2026-11-21T10:00:00.123Z",
    "next_attempt_at": "2026-11-21T10:00:00Z",
    "finished_at": "2026-11-21T10:00:01Z",
}


def make_own(mail: dict[str, Any] | None, *, mail_available: bool = True) -> dict[str, Any]:
    return {"events": ["team.invited"], "mail_available": mail_available, "mail": mail}


def make_mail(confirmed_at: str | None = None) -> dict[str, Any]:
    return {"address": "ann@host.example", "events": ["team.invited"], "confirmed_at": confirmed_at}


def read_sent(server: FakeServer) -> Any:
    return json.loads(server.requests[-1].content)


def test_everything_chosen_is_shown(run: Run, server: FakeServer) -> None:
    server.on("GET", "/me/notifications", make_own(make_mail()))
    off = HOOK | {"id": "w2", "disabled_at": "2026-11-21T10:00:00Z", "disabled_reason": "answered 410"}
    server.on("GET", "/me/webhooks", {"items": [HOOK, off]})
    output = run("notify", "show").output
    assert "mail to ann@host.example (not confirmed" in output
    assert "w1  https://host.example/hook: team.invited" in output
    assert "(off: answered 410)" in output
    assert json.loads(run("notify", "show", "--json").stdout)["webhooks"][0] == HOOK


def test_a_server_without_mail_says_so(run: Run, server: FakeServer) -> None:
    server.on("GET", "/me/notifications", make_own(None, mail_available=False))
    server.on("GET", "/me/webhooks", {"items": []})
    assert "this server sends none" in run("notify", "show").output


def test_an_address_is_asked_to_confirm_itself(run: Run, server: FakeServer) -> None:
    server.on("PATCH", "/me/notifications", make_own(make_mail()))
    assert "a mail with a link" in run("notify", "mail", "ann@host.example", "-e", "team.invited").output
    assert read_sent(server) == {"address": "ann@host.example", "events": ["team.invited"]}


def test_a_confirmed_address_gets_other_events(run: Run, server: FakeServer) -> None:
    server.on("PATCH", "/me/notifications", make_own(make_mail("2026-11-21T10:00:00Z")))
    assert "mail to ann@host.example: team.invited" in run("notify", "mail", "ann@host.example").output


def test_mail_is_turned_off(run: Run, server: FakeServer) -> None:
    server.on("PATCH", "/me/notifications", make_own(None))
    assert "no more mails" in run("notify", "mail", "--off").output
    assert read_sent(server) == {"address": None}
    assert run("notify", "mail").exit_code == 1


def test_a_new_webhook_prints_its_secret(run: Run, server: FakeServer) -> None:
    server.on("POST", "/me/webhooks", HOOK | {"secret": "whsec_x"})
    assert "secret: whsec_x" in run("notify", "add", HOOK["url"]).output
    assert read_sent(server)["events"] == [event.value for event in Event]


@pytest.mark.parametrize(
    ("command", "method", "path", "said"),
    [
        ("test", "POST", "/me/webhooks/w1/test", "d1 is on its way"),
        ("on", "PATCH", "/me/webhooks/w1", "is on"),
        ("off", "PATCH", "/me/webhooks/w1", "is off"),
        ("remove", "DELETE", "/me/webhooks/w1", "removed"),
    ],
)
def test_a_webhook_is_tested_turned_and_removed(
    run: Run, server: FakeServer, command: str, method: str, path: str, said: str
) -> None:
    server.on(method, path, SENT | HOOK | {"id": "d1"})
    assert said in run("notify", command, "w1").output


def test_the_log_is_a_line_a_message(run: Run, server: FakeServer) -> None:
    server.on("GET", "/me/deliveries", {"items": [SENT]})
    line = "2026-11-21T10:00:00  webhook.test  https://host.example/hook  failed  answered 500"
    assert line in run("notify", "log").output
    assert json.loads(run("notify", "log", "--json").stdout) == [SENT]


@pytest.mark.parametrize(
    ("options", "sent", "until", "said"),
    [
        ((), {}, "2026-11-22T10:00:00Z", "until 2026-11-22 10:00 UTC"),
        (("--overlap-hours", "0"), {"overlap_hours": 0}, None, "signs nothing any more"),
    ],
)
def test_a_secret_is_changed_and_printed(
    run: Run, server: FakeServer, options: tuple[str, ...], sent: dict[str, int], until: str | None, said: str
) -> None:
    server.on("POST", "/me/webhooks/w1/secret", HOOK | {"secret": "whsec_new", "old_secret_until": until})
    result = run("notify", "rotate", "w1", *options)
    assert (result.stdout, said in result.stderr) == ("secret: whsec_new\n", True)
    assert read_sent(server) == sent
