"""A regression from a draft to the board: pools, score, report and preview, with nothing of it known to the queue."""

from core.db.queries import boards, evaluations
from core.db.session import reading
from core.problems import ProblemSpec
from tests.unit.worker.conftest import Platform, make_spec
from worker.jobs.preview import make_preview

DIABETES = {
    "kind": "tabular_regression",
    "data": {"package": "diabetes"},
    "network": {"package": "digits", "options": {"hidden": [8]}},
}


def make_regression() -> ProblemSpec:
    values = make_spec(protocol="held_out").model_dump(mode="json")
    values["split"] |= {"train": 120, "validation": 20, "test": 60, "label_noise": 0.1}
    values["recipe"] |= {"epochs": 20, "batch_size": 16, "learning_rate": 0.05}
    return ProblemSpec.model_validate(values | DIABETES)


def test_a_regression_is_trained_scored_and_reported(platform: Platform) -> None:
    competition = platform.open_competition(make_regression())
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        card = evaluations.fetch_scorecard(session, evaluation_id)
        board = boards.fetch_board(session, competition.id, competition.spec_id)
    assert card is not None
    assert board is not None
    assert board.version > 0
    record, metrics = card.record, {line.id: line for line in card.record.metrics or ()}
    assert record.share == "R²"
    assert record.accuracy.retrained.retain > record.accuracy.retrained.test > 0
    assert metrics["mia_eff"].value is None
    assert "tabular_regression" in metrics["mia_eff"].note
    assert metrics["klom_forget"].value is not None
    html = platform.context.store.get(record.report_digest or "").decode()
    assert html.count(">age ") == 9  # a row for each example that is shown
    assert "minus the squared error" in html


def test_a_preview_shows_rows_and_counts_all_together(platform: Platform) -> None:
    problem = platform.context.load(make_regression())
    preview = make_preview(platform.context, [problem])
    assert preview["classes"] == []
    assert preview["counts"]["forget"] == [len(problem.splits.forget)]
    assert preview["samples"][0]["text"].startswith("age ")
    assert preview["samples"][0]["digest"] == ""
