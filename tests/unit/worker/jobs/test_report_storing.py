"""The report is drawn with the scorecard and kept in the store."""

import re

import pytest

from core.db.queries import evaluations
from core.db.session import reading
from core.scorecard import ScorecardRecord
from tests.hidden_problems import expose
from tests.unit.worker.conftest import HONEST, Platform, make_spec


def score_and_read(platform: Platform, exposure: str) -> tuple[str, ScorecardRecord]:
    spec = expose(make_spec(), exposure)
    evaluation_id = platform.submit(platform.open_competition(spec), HONEST)
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        card = evaluations.fetch_scorecard(session, evaluation_id)
    assert card is not None
    return platform.context.store.get(card.record.report_digest or "").decode(), card.record


def test_a_practice_report_shows_nine_examples_the_score_and_the_files_name(platform: Platform) -> None:
    html, record = score_and_read(platform, "practice")
    assert "<h1>mine.py</h1>" in html
    assert html.count("data:image/png;base64,") == 9
    assert f'<span class="value">{record.score.estimate:.3f}</span>' in html


def test_what_the_code_printed_is_not_in_a_report_that_others_may_read(platform: Platform) -> None:
    html, _ = score_and_read(platform, "practice")
    assert "What the code printed" not in html


@pytest.mark.parametrize("exposure", ["public", "private"])
def test_a_hidden_problems_report_holds_no_image_id_or_label(platform: Platform, exposure: str) -> None:
    html, _ = score_and_read(platform, exposure)
    assert "data:image" not in html
    assert "forget set is hidden" in html
    assert re.search(r"example \d|label \d|it is really", html) is None
    section = html.split('<section aria-labelledby="examples">')[1].split("</section>")[0]
    assert " ".join(re.sub(r"<[^>]*>", "", section).split()) == (
        "Single forget examples This problem's forget set is hidden, so nothing about single examples is shown: "
        "what is known of them could be used to fit them."
    )
