"""Publishing a board: exactly the one that was looked at, by one of the staff or by two."""

from collections.abc import Callable
from typing import Any

import pytest

from api.finals import service
from tests.unit.api.conftest import Login
from tests.unit.api.finals.conftest import ADMIN, API, Contest, run_to_publishing

HTML = {"Accept": "text/html"}
PAGE = "/competitions/digits"


@pytest.fixture
def oscar(login: Callable[..., Login]) -> Login:
    return login("oscar", "organizer")


def set_approvals(contest: Contest, approvals: int) -> int:
    body = {"publish_approvals": approvals, "reason": "a test"}
    return contest.client.patch(ADMIN, json=body, headers=contest.olga.headers).status_code


def get_digest(contest: Contest) -> str:
    return str(contest.client.get(f"{API}/final", headers=contest.olga.headers).json()["digest"])


def post(contest: Contest, step: str, who: Login, **body: Any) -> tuple[int, str]:
    answer = contest.client.post(f"{ADMIN}/private/{step}", json={"reason": "checked", **body}, headers=who.headers)
    return answer.status_code, str(answer.json().get("detail", ""))


@pytest.fixture
def shared(contest: Contest) -> Contest:
    """Ready to be published, by two."""
    assert set_approvals(contest, 2) == 200
    run_to_publishing(contest)
    return contest


def test_a_second_person_publishes_exactly_what_the_first_proposed(shared: Contest, oscar: Login) -> None:
    digest = get_digest(shared)
    assert post(shared, "propose", shared.olga, digest=digest)[0] == 200
    assert post(shared, "publish", oscar, digest=digest)[0] == 200
    assert len(shared.client.get(f"{API}/final").json()["entries"]) == 2
    items = shared.client.get("/api/v1/admin/audit", headers=oscar.headers).json()["items"][:2]
    assert [(item["action"], item["actor"]) for item in items] == [
        ("private.publish", "oscar"),
        ("private.propose", "olga"),
    ]
    assert items[0]["detail"]["proposed_by"] == "olga"
    assert items[0]["detail"]["digest"] == items[1]["detail"]["digest"] == digest


def test_nobody_publishes_alone_where_it_takes_two(shared: Contest) -> None:
    digest = get_digest(shared)
    assert "takes two" in post(shared, "publish", shared.olga, digest=digest)[1]
    post(shared, "propose", shared.olga, digest=digest)
    assert post(shared, "publish", shared.olga, digest=digest) == (
        403,
        "you proposed it yourself: somebody else of the staff has to publish it",
    )
    assert shared.client.get(f"{API}/final").status_code == 404


def test_a_ranking_that_changed_after_the_proposal_is_not_published(shared: Contest, oscar: Login) -> None:
    digest = get_digest(shared)
    post(shared, "propose", shared.olga, digest=digest)
    shared.moderate("only", "disqualify")
    assert "not the one you looked at" in post(shared, "publish", oscar, digest=digest)[1]
    assert "changed since olga proposed it" in post(shared, "publish", oscar, digest=get_digest(shared))[1]
    proposal = shared.client.get(f"{ADMIN}/private", headers=oscar.headers).json()["proposal"]
    assert (proposal["by"], proposal["is_current"]) == ("olga", False)
    assert "look at it and propose it again" in post(shared, "publish", oscar)[1]
    digest = get_digest(shared)
    assert post(shared, "propose", oscar, digest=digest)[0] == 200
    assert post(shared, "publish", shared.olga, digest=digest)[0] == 200


def test_the_second_one_names_what_was_looked_at(shared: Contest, oscar: Login) -> None:
    post(shared, "propose", shared.olga, digest=get_digest(shared))
    status, detail = post(shared, "publish", oscar)
    assert (status, "name the digest" in detail) == (409, True)
    assert post(shared, "publish", oscar, digest="0" * 64)[0] == 409


def test_a_proposal_is_of_the_ranking_that_stands_and_is_complete(shared: Contest) -> None:
    assert post(shared, "propose", shared.olga, digest="0" * 64)[0] == 409
    assert post(shared, "propose", shared.olga)[0] == 422
    shared.score_privately("only", 0.1, verdict="platform_error")
    assert "failed on our side" in post(shared, "propose", shared.olga, digest=get_digest(shared))[1]


def test_where_one_is_enough_there_is_nothing_to_propose_and_a_changed_ranking_is_refused(contest: Contest) -> None:
    run_to_publishing(contest)
    digest = get_digest(contest)
    assert "no proposal is needed" in post(contest, "propose", contest.olga, digest=digest)[1]
    contest.moderate("only", "disqualify")
    assert "not the one you looked at" in post(contest, "publish", contest.olga, digest=digest)[1]
    assert post(contest, "publish", contest.olga, digest=get_digest(contest))[0] == 200


def test_publishing_makes_the_board_once(contest: Contest, monkeypatch: pytest.MonkeyPatch) -> None:
    run_to_publishing(contest)
    made, make = [], service.make_final_board
    monkeypatch.setattr(service, "make_final_board", lambda *given: made.append(given) or make(*given))
    assert post(contest, "publish", contest.olga, digest=get_digest(contest))[0] == 200
    assert len(made) == 1


def test_who_wants_to_publish_alone_cannot_arrange_it_once_there_is_something_to_publish(shared: Contest) -> None:
    assert set_approvals(shared, 1) == 409
    assert set_approvals(shared, 3) == 422
    assert shared.client.get(API).json()["publish_approvals"] == 2


def test_before_the_scoring_the_setting_goes_both_ways(contest: Contest) -> None:
    assert [set_approvals(contest, approvals) for approvals in (2, 1, 2)] == [200, 200, 200]


def test_the_preview_page_proposes_and_then_publishes(shared: Contest, oscar: Login) -> None:
    olga = shared.olga.headers | HTML
    preview = shared.client.get(f"{PAGE}/final", headers=olga).text
    assert "Propose to publish this board" in preview
    digest = get_digest(shared)
    assert f'name="digest" value="{digest}"' in preview
    form = {"reason": "checked", "digest": digest}
    answer = shared.client.post(f"{PAGE}/organize/private/propose", data=form, headers=olga)
    assert "olga proposes to publish" in answer.text
    assert "You proposed it" in shared.client.get(f"{PAGE}/final", headers=olga).text
    assert "Publish this board" in shared.client.get(f"{PAGE}/final", headers=oscar.headers | HTML).text
    alone = shared.client.post(f"{PAGE}/organize/private/publish", data=form, headers=olga)
    assert (alone.status_code, "somebody else of the staff" in alone.text) == (403, True)
    done = shared.client.post(f"{PAGE}/organize/private/publish", data=form, headers=oscar.headers | HTML)
    assert "Published" in done.text
    assert "Publish this board" not in done.text


def test_the_settings_page_asks_how_many_it_takes(contest: Contest) -> None:
    page, headers = f"{PAGE}/organize/settings", contest.olga.headers | HTML
    assert 'name="publish_approvals"' in contest.client.get(page, headers=headers).text
    form = {"daily_limit": "50", "concurrent_limit": "5", "selection_limit": "2", "publish_approvals": "2"}
    contest.client.post(page, data=form | {"reason": "fair"}, headers=headers)
    assert contest.client.get(API).json()["publish_approvals"] == 2
