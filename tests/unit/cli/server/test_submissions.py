import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.cli.conftest import CARD
from tests.unit.cli.fakes import BODY, FakeServer, make_ended, make_problem, make_state

Run = Callable[..., Any]
LIMITS = {
    "daily_limit": 50,
    "used": 1,
    "left": 49,
    "resets_at": "2026-01-02T00:00:00Z",
    "concurrent_limit": 5,
    "running": 1,
}
SCORE = {"estimate": 0.185, "low": 0.160, "high": 0.214}
MAPPINGS = {"exposure": "practice", "evaluation": {"batch_format": "mapping", "data_bytes": 2048}}
SUBMIT, STATUS = ("POST", "/competitions/digits/submissions"), ("GET", "/submissions/s1")


@pytest.fixture
def server(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    server.on("GET", "/competitions/digits/limits", LIMITS)
    server.on("GET", "/submissions/s1/scorecard", BODY)
    monkeypatch.setattr("client.waiting.FIRST_PAUSE_SECONDS", 0.0)
    return server


def test_an_upload_prints_its_id_and_what_is_left_of_the_limit(run: Run, server: FakeServer, good: Path) -> None:
    server.on(*SUBMIT, make_state(status="queued"))
    result = run("submit", good, "-m", "first try")
    assert result.exit_code == 0
    assert "submitted good.py to digits: s1" in result.stderr
    assert "49 of 50 submissions left today" in result.stderr
    assert "lacuna status s1 --wait" in result.stderr
    upload = next(request for request in server.requests if request.method == "POST")
    assert b"first try" in upload.content


def test_an_upload_counts_as_done_even_if_the_limit_cannot_be_read(run: Run, server: FakeServer, good: Path) -> None:
    server.on(*SUBMIT, make_state())
    server.on("GET", "/competitions/digits/limits", make_problem(500, "broken"))
    result = run("submit", good)
    assert result.exit_code == 0
    assert "is unknown: broken" in result.stderr


def test_waiting_shows_progress_and_the_scorecard(run: Run, server: FakeServer, good: Path) -> None:
    server.on(*SUBMIT, make_state(status="queued"))
    server.on(
        *STATUS, make_state(), make_state(progress={"finished": 200, "total": 256}), make_ended("scored", score=SCORE)
    )
    result = run("submit", good, "--wait")
    assert result.exit_code == 0
    assert "running 200/256" in result.stderr
    assert "0.185 ± 0.029" in result.stdout
    assert "/submissions/s1" in result.stdout


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"version": 9, "surprise": {"of": "a newer server"}}, "corrected"),
        ({"version": 9, "epsilon": None}, "a scorecard of form 9 cannot be read here"),
    ],
)
def test_a_newer_servers_scorecard_is_shown_as_far_as_it_is_known(
    run: Run, server: FakeServer, change: dict[str, Any], shown: str
) -> None:
    known = BODY | {"score": BODY["score"] | {"corrected": 0.2}}
    server.on("GET", "/submissions/s1/scorecard", known | change)
    server.on(*STATUS, make_ended("scored", score=SCORE))
    result = run("status", "s1")
    assert result.exit_code == 0
    assert shown in result.stdout + result.stderr
    assert "0.185 ± 0.029" in result.stdout


def test_an_entry_that_was_stopped_early_says_so(run: Run, server: FakeServer) -> None:
    server.on(*STATUS, make_ended("scored", score=SCORE, decided_early={"after": 72, "of": 256}))
    assert "stopped after 72 of 256 replicas: its place was decided" in run("status", "s1").stdout


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("rejected", 2),
        ("runtime_error", 3),
        ("time_limit", 3),
        ("over_budget", 3),
        ("platform_error", 4),
        ("withdrawn", 5),
    ],
)
def test_how_it_ended_is_the_exit_code(run: Run, server: FakeServer, verdict: str, code: int) -> None:
    server.on(*STATUS, make_ended(verdict, code="X", reason="because", hint="do this"))
    result = run("status", "s1")
    assert result.exit_code == code
    assert verdict.replace("_", " ") in result.stdout
    assert "error: X: because" in result.stderr
    assert "hint: do this" in result.stderr


def test_a_submission_that_goes_on_is_no_failure(run: Run, server: FakeServer) -> None:
    server.on(*STATUS, make_state())
    result = run("status", "s1")
    assert result.exit_code == 0
    assert "running, 8 of 256 replicas" in result.stdout


def test_waiting_too_long_ends_with_seven(run: Run, server: FakeServer) -> None:
    server.on(*STATUS, make_state())
    result = run("status", "s1", "--wait", "--timeout", 0)
    assert result.exit_code == 7
    assert "it goes on" in result.stderr


def test_no_submissions_left_ends_with_six(run: Run, server: FakeServer, good: Path) -> None:
    server.on(*SUBMIT, make_problem(429, "all 50 submissions of this UTC day are used", **{"Retry-After": "40000"}))
    result = run("submit", good)
    assert result.exit_code == 6
    assert "all 50 submissions" in result.stderr


def test_a_wrong_token_is_a_line_and_a_cure(run: Run, server: FakeServer, good: Path) -> None:
    server.on(*SUBMIT, make_problem(401, "the token is unknown, expired or revoked"))
    result = run("submit", good)
    assert result.exit_code == 1
    assert "lacuna login" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 2


def test_json_is_the_servers_own_answer(run: Run, server: FakeServer) -> None:
    server.on(*STATUS, make_ended("scored", score=SCORE))
    assert json.loads(run("status", "s1", "--json").stdout)["score"] == SCORE


def test_several_competitions_have_to_be_told_apart(run: Run, server: FakeServer, good: Path) -> None:
    server.on("GET", "/competitions", {"items": [{"slug": "one"}, {"slug": "two"}]})
    result = run("submit", good)
    assert result.exit_code == 1
    assert "one, two" in result.stderr


def test_a_submission_can_be_cancelled(run: Run, server: FakeServer) -> None:
    server.on("POST", "/submissions/s1/cancel", make_state(status="cancelling"))
    assert "being stopped" in run("cancel", "s1").stdout


def test_what_the_code_printed_is_shown(run: Run, server: FakeServer) -> None:
    server.on("GET", "/submissions/s1", make_state(log="epoch 1\n"))
    assert run("logs", "s1").stdout == "epoch 1\n"


def test_what_a_hidden_problem_keeps_is_said(run: Run, server: FakeServer) -> None:
    server.on("GET", "/submissions/s1", make_state(log=None))
    result = run("logs", "s1")
    assert result.exit_code != 0
    assert "hidden problems" in result.output


def test_the_upload_comes_back_byte_for_byte(run: Run, server: FakeServer, tmp_path: Path) -> None:
    server.on("GET", "/submissions/s1/source", httpx2.Response(200, content=b"\x00\xff\n"))
    run("source", "s1", "-o", tmp_path / "back.py")
    assert (tmp_path / "back.py").read_bytes() == b"\x00\xff\n"


def test_what_has_ended_cannot_be_cancelled(run: Run, server: FakeServer) -> None:
    server.on("POST", "/submissions/s1/cancel", make_problem(409, "the evaluation already ended: scored"))
    result = run("cancel", "s1")
    assert result.exit_code == 1
    assert "already ended" in result.stderr


def test_own_submissions_are_listed(run: Run, server: FakeServer) -> None:
    ended = make_ended("scored", id="s2", score=SCORE, relative_runtime=0.05, note="second")
    server.on("GET", "/submissions", {"items": [ended, make_state()], "next_cursor": None})
    result = run("submissions")
    assert "0.185 ± 0.029" in result.stdout
    assert "running" in result.stdout
    assert "second" in result.stdout


def test_a_server_that_is_down_is_a_line_and_a_cure(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("[Errno 111] Connection refused")

    down = FakeServer()
    monkeypatch.setattr(down, "handle", refuse)
    monkeypatch.setattr("cli.show.remote.LacunaClient", lambda _url, token=None: down.client(token))
    result = run("status", "s1")
    assert result.exit_code == 4
    assert "connection refused" in result.stderr
    assert "lacuna up" in result.stderr


NOTEBOOK_LIKE = "# %%\n!pip install nothing\n\ndef unlearning(net, a, b, c):\n    return net\n"


def test_what_is_left_out_is_told_before_it_counts(run: Run, server: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "notebook.py"
    path.write_text(NOTEBOOK_LIKE)
    server.on(*SUBMIT, make_state())
    result = run("submit", path)
    assert result.exit_code == 0
    assert result.stderr.index("!pip install nothing") < result.stderr.index("submitted notebook.py")


@pytest.mark.parametrize(("answer", "ends"), [("n\n", (5, 0)), ("y\n", (0, 1))])
def test_somebody_at_a_terminal_may_say_no_to_what_is_kept(
    run: Run,
    server: FakeServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    ends: tuple[int, int],
) -> None:
    path = tmp_path / "notebook.py"
    path.write_text(NOTEBOOK_LIKE)
    server.on(*SUBMIT, make_state())
    monkeypatch.setattr("cli.server.submissions._is_watched", lambda: True)
    code = run("submit", path, text=answer).exit_code
    assert (code, sum(request.method == "POST" for request in server.requests)) == ends


def test_a_file_that_cannot_run_is_refused_before_it_counts(run: Run, server: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("def unlearning(:")
    result = run("submit", path)
    assert result.exit_code == 2
    assert not server.requests


BY_KEY = "def unlearning(net, retain, forget, val):\n    for batch in retain:\n        net(batch['image'])\n"
OPEN_CARD = {"state": "ready", "daily_limit": 5, "problem": MAPPINGS}


@pytest.mark.parametrize("practice", [False, True])
def test_batches_of_another_form_are_told_before_it_counts(
    run: Run, server: FakeServer, tmp_path: Path, practice: bool
) -> None:
    server.on("GET", "/competitions/digits", CARD | {"practice": OPEN_CARD})
    server.on(*SUBMIT, make_state())
    path = tmp_path / "a.py"
    path.write_text(BY_KEY)
    said = run("submit", path, *(["--practice"] if practice else [])).stderr
    assert ("batches as mappings" in said.split("submitted a.py")[0]) is not practice


@pytest.mark.parametrize(("answer", "ends"), [("n\n", (5, 0)), ("y\n", (0, 1))])
def test_what_does_not_fit_is_asked_about_at_a_terminal(
    run: Run, server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, ends: tuple[int, int]
) -> None:
    path = tmp_path / "a.py"
    path.write_text(BY_KEY)
    server.on(*SUBMIT, make_state())
    monkeypatch.setattr("cli.server.submissions._is_watched", lambda: True)
    code = run("submit", path, text=answer).exit_code
    assert (code, sum(request.method == "POST" for request in server.requests)) == ends


def test_what_must_fail_on_its_problem_is_never_sent(run: Run, server: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("def unlearning(net, retain, forget, val):\n    open('/kaggle/input/a.csv')\n")
    result = run("submit", path)
    assert result.exit_code == 2
    assert "FILE_MISSING" in result.stderr
    assert all(request.method == "GET" for request in server.requests)


@pytest.mark.parametrize("practice", [OPEN_CARD, OPEN_CARD | {"daily_limit": 0}, None])
def test_a_failure_on_hidden_data_comes_with_its_hint_and_the_way_to_practice(
    run: Run, server: FakeServer, practice: dict[str, Any] | None
) -> None:
    server.on("GET", "/competitions/digits", CARD | {"practice": practice})
    told = {"code": "FAILED_ON_HIDDEN_DATA", "hint": "Run `lacuna doctor FILE`."}
    server.on(*STATUS, make_ended("runtime_error", reason=None, **told))
    said = run("status", "s1").stderr
    assert "FAILED_ON_HIDDEN_DATA" in said
    assert told["hint"] in said
    assert ("`lacuna submit a.py -c digits --practice`" in " ".join(said.split())) is (practice is OPEN_CARD)


def test_without_an_id_the_newest_submission_is_meant(run: Run, server: FakeServer) -> None:
    server.on("GET", "/submissions", {"items": [make_state(id="s1")], "next_cursor": None})
    server.on(*STATUS, make_state(log="epoch 1"))
    assert "running, 8 of 256 replicas" in run("status").stdout
    assert run("logs").stdout == "epoch 1\n"


def test_the_last_letters_of_an_id_are_enough(run: Run, server: FakeServer) -> None:
    one, other = "01a1ff5d-834d-718e-a058-ce46ed494e80", "01a1ff5d-834d-718e-a058-ce46ed49aaaa"
    server.on("GET", "/submissions", {"items": [make_state(id=one), make_state(id=other)], "next_cursor": None})
    server.on("GET", f"/submissions/{one}", make_state(id=one))
    assert one in run("status", "4e80").stdout
    ambiguous = run("status", "01a1ff5d")
    assert (ambiguous.exit_code, "2 of your submissions" in ambiguous.stderr) == (1, True)
    unknown = run("status", "ffff")
    assert (unknown.exit_code, "none of your submissions" in unknown.stderr) == (1, True)


def test_nothing_to_mean_says_what_to_do(run: Run, server: FakeServer) -> None:
    server.on("GET", "/submissions", {"items": [], "next_cursor": None})
    assert "lacuna submit FILE" in run("status").stderr
    assert "lacuna init" in run("submissions").stdout


def test_an_unknown_submission_says_where_the_known_ones_are(run: Run, server: FakeServer) -> None:
    assert "lacuna submissions" in run("status", "s9").stderr


def test_code_that_printed_nothing_is_said_to(run: Run, server: FakeServer) -> None:
    server.on(*STATUS, make_ended("scored", log=""))
    result = run("logs", "s1")
    assert (result.stdout, "printed nothing" in result.stderr) == ("", True)


PRACTICE = make_state(phase="practice", purpose="practice", status="queued")


def test_practice_is_asked_for_and_said(run: Run, server: FakeServer, good: Path) -> None:
    left = {"daily_limit": 20, "used": 1, "left": 19, "concurrent_limit": 2, "running": 1}
    server.on("GET", "/competitions/digits/limits", LIMITS | {"practice": left})
    server.on(*SUBMIT, PRACTICE)
    result = run("submit", good, "--practice")
    assert "submitted good.py to digits, for practice: s1" in result.stderr
    assert "practice: 19 of 20 left today, 1 of 2 running" in result.stderr
    assert "practice: everything is shown, nothing is ranked" in result.stdout
    upload = next(request for request in server.requests if request.method == "POST")
    assert b'name="purpose"\r\n\r\npractice' in upload.content


def test_without_being_asked_for_it_is_no_practice(run: Run, server: FakeServer, good: Path) -> None:
    server.on(*SUBMIT, make_state(phase="public"))
    result = run("submit", good)
    upload = next(request for request in server.requests if request.method == "POST")
    assert b'name="purpose"\r\n\r\nranked' in upload.content
    assert "practice" not in result.output


def test_a_practice_submission_is_submitted_for_real(run: Run, server: FakeServer) -> None:
    server.on("POST", "/submissions/s1/promote", make_state(id="s2", status="queued", phase="public"))
    server.on("GET", "/submissions/s2", make_ended("scored", id="s2", phase="public", score=SCORE))
    server.on("GET", "/submissions/s2/scorecard", BODY)
    result = run("promote", "s1", "--wait")
    assert result.exit_code == 0
    assert "submitted a.py to digits: s2" in result.stderr
    assert "0.185 ± 0.029" in result.stdout
    assert server.requests[0].headers["Idempotency-Key"]


def test_what_practice_shows_is_a_command_away(run: Run, server: FakeServer) -> None:
    server.on(*STATUS, make_ended("runtime_error", phase="practice", reason="ValueError: bad", log="epoch 1\n"))
    result = run("status", "s1")
    assert result.exit_code == 3
    assert "lacuna logs s1" in result.stderr
    assert "lacuna promote s1" in result.stderr


def test_the_phase_of_each_submission_is_listed(run: Run, server: FakeServer) -> None:
    server.on("GET", "/submissions", {"items": [PRACTICE, make_state(id="s2", phase="public")], "next_cursor": None})
    lines = run("submissions").stdout.splitlines()
    assert ["practice" in line for line in lines[1:]] == [True, False]
    assert "public" in lines[2]


FINAL = {"verdict": "scored", "score": SCORE, "rank": 2, "rank_label": "2–3", "ranked": 7}


def test_a_published_finalist_shows_its_final_place(run: Run, server: FakeServer) -> None:
    server.on(*STATUS, make_ended("scored", score=SCORE, final=FINAL))
    assert "final board: 2 (2–3) of 7, 0.185 ± 0.029" in run("status", "s1").output
    server.on(*STATUS, make_ended("scored", score=SCORE, final=FINAL | {"rank": None, "rank_label": ""}))
    assert "final board: 0.185" in run("status", "s1").output


def test_the_list_shows_what_is_selected(run: Run, server: FakeServer) -> None:
    server.on("GET", "/submissions", {"items": [make_ended("scored", is_selected=True, final=None)]})
    assert "selected" in run("submissions").output


def test_who_is_not_logged_in_is_told_where(run: Run, server: FakeServer) -> None:
    server.on("GET", "/submissions/s1", make_problem(401, "this needs an account: send a token"))
    result = run("status", "s1")
    assert "you are not logged in at http://127.0.0.1:8400" in result.stderr
    assert "lacuna login" in result.stderr
