import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.contests import Competition
from core.db.session import transaction
from tests import factories

URL = "/api/v1/competitions/digits/leaderboard"


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        row = factories.make_competition(session, "digits")
        staff = factories.make_user(session, "staff", role="organizer")
        factories.make_scored(session, row, factories.make_user(session, "ann"), 0.6, half_width=0.05)
        factories.make_scored(session, row, factories.make_user(session, "bob"), 0.58, half_width=0.05)
        factories.make_scored(session, row, staff, 0.97, runtime=1.0, purpose="reference", filename="retrain.py")
        greedy = factories.make_user(session, "greedy")
        factories.make_scored(session, row, greedy, 0.9, runtime=0.2, verdict="over_budget")
        failed = factories.make_submission(session, row, factories.make_user(session, "failed"))
        factories.make_evaluation(session, failed, verdict="runtime_error", code="EXCEPTION")
    return row


def test_the_board_stands_in_its_order(client: TestClient, competition: Competition) -> None:
    entries = client.get(URL).json()["entries"]
    assert [(entry["name"], entry["place"], entry["rank"], entry["rank_label"]) for entry in entries] == [
        ("staff", "reference", None, "–"),
        ("ann", "ranked", 1, "1–2"),
        ("bob", "ranked", 2, "1–2"),
        ("greedy", "over_budget", None, "–"),
    ]


def test_a_line_tells_what_the_literature_compares(client: TestClient, competition: Competition) -> None:
    ann = client.get(URL).json()["entries"][1]
    assert (ann["score"], ann["neurips2023"], ann["relative_runtime"]) == (0.6, pytest.approx(0.1), 0.05)
    assert (ann["relative_runtime_low"], ann["relative_runtime_high"]) == pytest.approx((0.045, 0.055))
    assert (ann["unlearning_accuracy"], ann["retain_accuracy"], ann["test_accuracy"]) == (14.0, 95.0, 90.0)


def test_the_ceiling_comes_with_the_board(client: TestClient, competition: Competition) -> None:
    assert client.get(URL).json()["ceiling"]["estimate"] == 0.98


def test_a_reference_over_the_budget_is_marked(client: TestClient, competition: Competition) -> None:
    marked = {entry["name"]: entry["over_budget"] for entry in client.get(URL).json()["entries"]}
    assert marked == {"staff": True, "ann": False, "bob": False, "greedy": True}


def test_an_empty_board_is_no_error(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")
    body = client.get(URL).json()
    assert (body["entries"], body["ceiling"]) == ([], None)


def test_scores_of_another_spec_are_not_ranked_here(
    client: TestClient, engine: Engine, competition: Competition
) -> None:
    with transaction(engine) as session:
        other = factories.make_competition(session, "other")
        session.get_one(Competition, competition.id).spec_id = other.spec_id
    assert client.get(URL).json()["entries"] == []


def test_an_unchanged_board_costs_a_304(client: TestClient, competition: Competition) -> None:
    tag = client.get(URL).headers["etag"]
    answer = client.get(URL, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)


def test_a_changed_board_has_another_etag(client: TestClient, engine: Engine, competition: Competition) -> None:
    tag = client.get(URL).headers["etag"]
    with transaction(engine) as session:
        factories.make_scored(session, competition, factories.make_user(session, "carl"), 0.1)
    assert client.get(URL, headers={"If-None-Match": tag}).status_code == 200


def test_a_line_tells_its_tie_group_and_the_chance_of_being_better_than_the_next(
    client: TestClient, competition: Competition
) -> None:
    ann, bob = client.get(URL).json()["entries"][1:3]
    assert (ann["tied_first"], ann["tied_last"], ann["score_error"]) == (1, 2, 0.025)
    assert ann["truly_better_than_next"] == pytest.approx(0.694, abs=1e-3)  # 0.02 apart, standard error 0.0354
    assert bob["truly_better_than_next"] is None


def test_a_line_has_the_corrected_score(client: TestClient, competition: Competition) -> None:
    assert client.get(URL).json()["entries"][1]["score_corrected"] == pytest.approx(0.582)


def test_an_entry_decided_early_stands_below_full_scores_and_says_so(
    client: TestClient, engine: Engine, competition: Competition
) -> None:
    early = {"scored_replicas": 64, "decided_early": True}
    with transaction(engine) as session:
        carl = factories.make_user(session, "carl")
        factories.make_scored(session, competition, carl, 0.7, half_width=0.05, evaluation=early)
    entry = client.get(URL).json()["entries"][3]
    assert (entry["name"], entry["rank"], entry["tie_group"], entry["decided_early"]) == ("carl", 3, 2, True)
    assert (entry["scored_replicas"], entry["replicas_total"]) == (64, 256)


def test_paired_draws_part_what_intervals_leave_tied(
    client: TestClient, engine: Engine, competition: Competition
) -> None:
    noise = [0.01 * (-1) ** place for place in range(32)]
    with transaction(engine) as session:
        for name, score in (("uma", 0.8), ("vic", 0.79)):
            draws = [score + step * score for step in noise]
            owner = factories.make_user(session, name)
            factories.make_scored(session, competition, owner, score, evaluation={"score_draws": draws})
    uma, vic = client.get(URL).json()["entries"][1:3]
    assert (uma["rank_label"], vic["rank_label"]) == ("1", "2")
    assert uma["truly_better_than_next"] > 0.99
