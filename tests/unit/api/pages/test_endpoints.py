from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.contests import Competition
from core.db.models.submissions import Scorecard, Submission
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login


def make_scored(engine: Engine, exposure: str = "practice", **values: str) -> Submission:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits", exposure=exposure)
        return factories.make_scored(session, competition, factories.make_user(session, "ann"), 0.7, **values)


def test_home_lists_competitions_with_their_leader(client: TestClient, engine: Engine) -> None:
    make_scored(engine)
    text = client.get("/").text
    assert "Handwritten digits" in text
    assert "<strong>ann</strong> <span>0.700</span>" in text


def test_home_says_what_to_do_when_there_is_nothing(client: TestClient) -> None:
    assert "lacuna problem build digits" in client.get("/").text


def test_the_board_shows_score_interval_ceiling_and_2023(client: TestClient, engine: Engine) -> None:
    make_scored(engine)
    text = client.get("/competitions/digits/leaderboard?columns=all").text
    for shown in ("0.700", "0.670 to 0.730", "Ceiling", "0.117", "5.0 %", 'class="ceiling"'):
        assert shown in text


def test_the_board_shows_the_corrected_score_and_the_chance_of_being_better_than_the_next(
    client: TestClient, engine: Engine
) -> None:
    row = make_scored(engine)
    with transaction(engine) as session:
        competition = session.get_one(Submission, row.id).competition_id
        contest = session.get_one(Competition, competition)
        early = {"scored_replicas": 64, "decided_early": True}
        factories.make_scored(session, contest, factories.make_user(session, "bob"), 0.69)
        factories.make_scored(session, contest, factories.make_user(session, "eve"), 0.2)
        factories.make_scored(session, contest, factories.make_user(session, "early"), 0.1, evaluation=early)
    text = client.get("/competitions/digits/leaderboard?columns=all").text
    for shown in ("0.679", "67 %", "&gt; 99 %", "tied 1–2", "decided early after 64 of 256 replicas"):
        assert shown in text


def test_a_competition_being_prepared_shows_progress(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits", state="preparing", fault="file x is missing")
        factories.make_pool(session, competition, done=2)
    text = client.get("/competitions/digits").text
    assert '<progress max="513" value="128"' in text
    assert "file x is missing" in text


def test_names_and_notes_cannot_carry_markup(client: TestClient, engine: Engine) -> None:
    row = make_scored(engine, note="<script>alert(1)</script>", filename="<b>.py")
    for page in ("/competitions/digits", f"/submissions/{row.id}"):
        text = client.get(page).text
        assert "&lt;script&gt;alert" in text
        assert "<script>alert" not in text
        assert "<b>.py" not in text


def test_a_scored_submission_shows_both_plots_and_its_provenance(client: TestClient, engine: Engine) -> None:
    text = client.get(f"/submissions/{make_scored(engine).id}").text
    assert text.count(factories.SVG) == 2
    for shown in ("bubblewrap", "222222222222", "torch 2.13.0", "Manifest digest"):
        assert shown in text


def test_a_plot_that_is_more_than_a_picture_is_left_out(client: TestClient, engine: Engine) -> None:
    row = make_scored(engine)
    with transaction(engine) as session:
        for card in session.query(Scorecard):
            card.epsilon_svg = "<svg><script>alert(1)</script></svg>"
    text = client.get(f"/submissions/{row.id}").text
    assert "alert(1)" not in text
    assert text.count(factories.SVG) == 1


def test_plots_of_a_hidden_problem_are_for_staff(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    row = make_scored(engine, "private")
    assert client.get(f"/submissions/{row.id}").status_code == 404
    staff = client.get(f"/submissions/{row.id}", headers=login(role="organizer").headers)
    assert factories.SVG in staff.text


def test_a_failed_submission_shows_reason_and_hint(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        row = factories.make_submission(session, factories.make_competition(session), factories.make_user(session))
        factories.make_evaluation(session, row, verdict="runtime_error", code="EXCEPTION", reason="ValueError: <7>")
    text = client.get(f"/submissions/{row.id}").text
    assert "ValueError: &lt;7&gt;" in text
    assert "<code>lacuna doctor FILE</code>" in text


def test_a_running_submission_is_live_with_and_without_scripts(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        row = factories.make_submission(session, factories.make_competition(session), factories.make_user(session))
        factories.make_evaluation(session, row, status="running", finished=97)
    text = client.get(f"/submissions/{row.id}").text
    assert f'data-events="/api/v1/submissions/{row.id}/events"' in text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in text
    assert '<progress id="progress" max="256" value="97"' in text


@pytest.mark.parametrize("name", ["style.css", "live.js", "icon.svg"])
def test_static_files_are_served(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 200


def test_pages_have_no_inline_script_or_style(client: TestClient, engine: Engine) -> None:
    row = make_scored(engine)
    for page in ("/", "/competitions/digits", "/competitions/digits/leaderboard", f"/submissions/{row.id}"):
        text = client.get(page).text
        assert "style=" not in text
        assert text.count("<script") == text.count('<script src="/static/') >= 2
