import json
import re
from pathlib import Path

import numpy as np
import pytest

from client.failures import Exit
from evaluator import Attack, ScoringProtocol, compute_confidence, compute_epsilons, compute_forgetting_quality
from evaluator.metrics.klom import VARIANTS, klom_excess
from evaluator.metrics.ulira import compute_ulira
from evaluator.spec import HELD_OUT_ATTACKS


@pytest.fixture
def pools(tmp_path: Path) -> dict[str, np.ndarray]:
    """Three pools on disk, in the folder the command runs in."""
    rng = np.random.default_rng(0)
    made = {name: rng.normal(size=(24, 8)).astype(np.float32) for name in ("unlearned", "retrained", "control")}
    made["unlearned"] += np.float32(0.7)
    for name, pool in made.items():
        np.save(tmp_path / f"{name}.npy", pool)
    return made


GUIDE = Path(__file__).resolve().parents[4] / "docs/cli.md"
BASIC = ("score", "--unlearned", "unlearned.npy", "--retrained", "retrained.npy")
ACCURACIES = (
    *("--retain-unlearned", 0.9, "--test-unlearned", 0.8),
    *("--retain-retrained", 1.0, "--test-retrained", 0.8),
)


def read_json(result) -> dict:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_number_is_that_of_the_library(run, pools) -> None:
    body = read_json(run(*BASIC, "--control", "control.npy", "--json"))
    left, right = pools["unlearned"], pools["retrained"]
    for protocol in ScoringProtocol:
        quality = compute_forgetting_quality(left, right, protocol=protocol)
        assert body["protocols"][protocol.value]["forgetting_quality"] == pytest.approx(quality)
    assert body["forgetting_quality"]["estimate"] == pytest.approx(compute_forgetting_quality(left, right))
    for name, compute in VARIANTS.items():
        assert body["klom"][name]["per_example"] == compute(left, right).tolist()
    excess = klom_excess(left, right, control=pools["control"])
    assert body["klom"]["klom_excess"]["mean"] == pytest.approx(excess.excess.mean())
    assert body["u_lira"]["accuracy"] == pytest.approx(compute_ulira(left, right).mean_accuracy)
    assert body["control"]["estimate"] == pytest.approx(compute_forgetting_quality(pools["control"], right))
    assert {name: pool["replicas"] for name, pool in body["pools"].items()} == dict.fromkeys(pools, 24)


def test_intervals_surround_their_estimates_and_attacks_count_every_example(run, pools) -> None:
    body = read_json(run(*BASIC, "--json"))
    quality = body["forgetting_quality"]
    assert quality["low"] <= quality["estimate"] <= quality["high"]
    for found in body["protocols"].values():
        assert sum(found["attacks"].values()) == 8
    for name in VARIANTS:
        found = body["klom"][name]
        assert found["mean_low"] <= found["mean"] <= found["mean_high"]


def test_the_table_names_every_version_of_klom_and_states_the_originals(run, pools) -> None:
    result = run(*BASIC, "--originals", "many")
    assert result.exit_code == 0
    for word in (*VARIANTS, "klom_excess", "U-LiRA", "forgetting quality", "held_out", "neurips2023", "exact"):
        assert word in result.stdout
    assert re.search(r"originals +many", result.stdout)
    assert "ceiling" not in result.stdout
    assert not re.search(r"^score ", result.stdout, re.MULTILINE)


def test_originals_that_nobody_stated_are_shown_as_such_with_a_note(run, pools) -> None:
    result = run(*BASIC)
    assert re.search(r"originals +not stated", result.stdout)
    assert "say which with --originals" in result.stderr


def test_a_score_is_given_only_with_all_accuracies(run, pools) -> None:
    body = read_json(run(*BASIC, *ACCURACIES, "--json"))
    assert body["score"]["utility"] == pytest.approx(0.9)
    assert body["score"]["estimate"] == pytest.approx(0.9 * body["forgetting_quality"]["estimate"])
    assert read_json(run(*BASIC, "--json"))["score"] is None
    partial = run(*BASIC, *ACCURACIES[:2])
    assert partial.exit_code == Exit.REFUSED
    assert "needs all of --retain-unlearned" in partial.stderr
    assert "score" in run(*BASIC, *ACCURACIES).stdout


def test_the_protocol_chooses_what_the_score_is_under(run, pools) -> None:
    body = read_json(run(*BASIC, "--protocol", "exact", "--json"))
    assert body["ranked_by"] == "exact"
    assert body["forgetting_quality"]["estimate"] == pytest.approx(body["protocols"]["exact"]["forgetting_quality"])


def test_the_attacks_that_held_out_chooses_from_can_be_named(run, pools) -> None:
    body = read_json(run(*BASIC, "--attacks", "kernel_density, half_line", "--json"))
    assert body["attacks"] == ["half_line", "kernel_density"]
    assert set(body["protocols"]["held_out"]["attacks"]) <= {"half_line", "kernel_density"}
    unknown = run(*BASIC, "--attacks", "half_line,guess")
    assert unknown.exit_code == Exit.REFUSED
    assert "no such attack: guess; there are half_line" in unknown.stderr


def test_every_family_is_listed_as_if_it_were_the_only_one(run, pools) -> None:
    body = read_json(run(*BASIC, "--attacks", "half_line", "--json"))
    alone = compute_epsilons(pools["unlearned"], pools["retrained"], attacks=[Attack.half_line])
    assert body["alone"]["half_line"]["mean"] == pytest.approx(alone.estimate.mean())
    assert set(body["alone"]) == {attack.value for attack in HELD_OUT_ATTACKS} - {"logistic_regression"}
    assert re.search(r"kernel_density .*not chosen from", run(*BASIC).stdout)


def test_logits_with_labels_score_as_their_confidences(run, tmp_path) -> None:
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(2, 12, 6, 4)), rng.integers(0, 4, 6)
    for name, pool in zip(("u", "r"), logits, strict=True):
        np.savez(tmp_path / f"{name}.npz", logits=pool)
        np.save(tmp_path / f"{name}_margins.npy", compute_confidence(pool, labels))
    np.save(tmp_path / "labels.npy", labels)
    from_logits = read_json(
        run("score", "--unlearned", "u.npz", "--retrained", "r.npz:logits", "--labels", "labels.npy", "--json")
    )
    from_margins = read_json(run("score", "--unlearned", "u_margins.npy", "--retrained", "r_margins.npy", "--json"))
    assert from_logits["klom"] == from_margins["klom"]
    assert from_logits["protocols"] == from_margins["protocols"]
    assert from_logits["pools"]["unlearned"]["made_from"] == "logits"


def test_a_folder_with_one_file_a_model_is_a_pool(run, pools, tmp_path) -> None:
    (tmp_path / "models").mkdir()
    for model, margins in enumerate(pools["unlearned"]):
        np.save(tmp_path / "models" / f"id_{model}_epoch_23.npy", margins)
    whole = read_json(run(*BASIC, "--json"))
    apart = read_json(run("score", "--unlearned", "models", "--retrained", "retrained.npy", "--json"))
    assert apart["klom"] == whole["klom"]
    assert apart["forgetting_quality"] == whole["forgetting_quality"]


def test_pools_of_one_and_of_many_originals_are_never_compared(run, pools, tmp_path) -> None:
    np.savez(tmp_path / "many.npz", margins=pools["unlearned"], originals="many")
    mixed = run("score", "--unlearned", "many.npz", "--retrained", "retrained.npy", "--originals", "one")
    assert mixed.exit_code == Exit.REJECTED
    assert "one and of many originals do not compare" in mixed.stderr
    body = read_json(run("score", "--unlearned", "many.npz", "--retrained", "retrained.npy", "--json"))
    assert body["originals"] == "many"


def test_unequal_sizes_are_scored_with_a_note(run, pools, tmp_path) -> None:
    np.save(tmp_path / "few.npy", pools["unlearned"][:10])
    result = run("score", "--unlearned", "few.npy", "--retrained", "retrained.npy", "--control", "control.npy")
    assert result.exit_code == 0
    assert "differ in size (10 unlearned, 24 retrained, 24 control)" in result.stderr
    assert "10 and 24 models" in result.stdout


def test_two_models_are_scored_as_far_as_two_can_be(run, tmp_path) -> None:
    for name in ("unlearned", "retrained"):
        np.save(tmp_path / f"{name}.npy", np.arange(4.0).reshape(2, 2))
    body = read_json(run(*BASIC, "--json"))
    assert body["u_lira"] is None
    assert body["klom"]["klom_excess"] is None
    assert body["forgetting_quality"]["high"] is None
    assert "klom_b25" in run(*BASIC).stdout


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((4, 8), np.nan), "not finite"),
        (np.full((4, 8), np.inf), "not finite"),
        (np.zeros((1, 8)), "1 replicas"),
        (np.zeros((4, 7)), "disagree on examples"),
        (np.zeros((4, 0)), "no examples"),
        (np.zeros((4, 8, 3)), "give labels"),
        (np.zeros(8), "a pool is (models, examples)"),
        (np.array([[None]], dtype=object), "pickled objects"),
        (np.array([["a", "b"]]), "a pool is"),
    ],
)
def test_numbers_that_cannot_be_scored_are_one_line_and_code_2(array, message, run, pools, tmp_path) -> None:
    np.save(tmp_path / "unlearned.npy", array, allow_pickle=True)
    result = run(*BASIC)
    assert result.exit_code == Exit.REJECTED
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--unlearned", "nothing.npy"), "no such file: nothing.npy"),
        (("--unlearned", "several.npz"), "choose one by several.npz:KEY, KEY being one of a, b"),
        (("--unlearned", "several.npz:c"), "no array 'c'"),
        (("--unlearned", "notes.txt"), "ends with .npy"),
        (("--unlearned", "unlearned.npy", "--report", "nowhere/report.html"), "cannot write"),
    ],
)
def test_places_that_lead_nowhere_are_one_line_and_code_1(arguments, message, run, pools, tmp_path) -> None:
    np.savez(tmp_path / "several.npz", a=pools["unlearned"], b=pools["unlearned"])
    (tmp_path / "notes.txt").write_text("margins")
    result = run("score", *arguments, "--retrained", "retrained.npy")
    assert result.exit_code == Exit.REFUSED
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.fixture
def logits(tmp_path: Path) -> dict[str, np.ndarray]:
    """Pools that differ in a wrong class alone: the confidence hardly tells, the logits do."""
    rng = np.random.default_rng(1)
    made = {name: rng.normal(size=(30, 4, 3)) for name in ("unlearned", "retrained", "control")}
    made["unlearned"][:, :, 1] += 3.0
    made["unlearned"][:, :, 2] -= 3.0
    for name, pool in made.items():
        np.savez(tmp_path / f"{name}.npz", logits=pool, labels=np.zeros(4, dtype=int))
    return made


WITH_LOGITS = ("score", "--unlearned", "unlearned.npz", "--retrained", "retrained.npz")


def test_pools_of_logits_can_be_told_apart_by_logistic_regression(run, logits) -> None:
    body = read_json(run(*WITH_LOGITS, "--control", "control.npz", "--attacks", "logistic_regression", "--json"))
    assert body["attacks"] == ["logistic_regression"]
    assert body["protocols"]["held_out"]["attacks"] == {"logistic_regression": 4}
    labels = np.zeros(4, dtype=int)
    expected = compute_epsilons(
        *(compute_confidence(logits[name], labels) for name in ("unlearned", "retrained")),
        attacks=(Attack.logistic_regression,),
        unlearned_features=logits["unlearned"],
        retrained_features=logits["retrained"],
    )
    assert body["protocols"]["held_out"]["epsilon"]["per_example"] == expected.estimate.tolist()
    assert body["alone"]["logistic_regression"]["median"] > 2 > body["alone"]["half_line"]["median"]
    assert body["forgetting_quality"]["low"] <= body["forgetting_quality"]["estimate"] < 0.3
    assert body["control"]["estimate"] > 0.5


def test_logistic_regression_is_listed_for_logits_though_not_chosen_from(run, logits) -> None:
    result = run(*WITH_LOGITS)
    assert re.search(r"logistic_regression .*not chosen from", result.stdout)


def test_logistic_regression_of_margins_or_of_two_models_is_refused(run, pools, logits, tmp_path) -> None:
    refused = run(*BASIC, "--attacks", "half_line,logistic_regression")
    assert refused.exit_code == Exit.REJECTED
    assert "unlearned.npy holds margins" in refused.stderr
    mixed = run(*WITH_LOGITS, "--control", "control.npy", "--attacks", "logistic_regression")
    assert mixed.exit_code == Exit.REJECTED
    np.savez(tmp_path / "two.npz", logits=logits["unlearned"][:2], labels=np.zeros(4, dtype=int))
    few = run("score", "--unlearned", "two.npz", *WITH_LOGITS[3:], "--attacks", "logistic_regression")
    assert few.exit_code == Exit.REJECTED
    assert "needs 3 models in every pool" in few.stderr
    assert (
        "logistic_regression"
        not in read_json(run("score", "--unlearned", "two.npz", *WITH_LOGITS[3:], "--json"))["alone"]
    )


def test_a_wrong_class_at_minus_infinity_can_be_regressed_on(run, logits, tmp_path) -> None:
    logits["unlearned"][:, :, 2] = -np.inf
    np.savez(tmp_path / "unlearned.npz", logits=logits["unlearned"], labels=np.zeros(4, dtype=int))
    body = read_json(run(*WITH_LOGITS, "--attacks", "logistic_regression", "--json"))
    assert body["alone"]["logistic_regression"]["median"] > 2


def test_excess_and_u_lira_have_intervals(run, pools) -> None:
    for control in ((), ("--control", "control.npy")):
        body = read_json(run(*BASIC, *control, "--json"))
        excess, ulira = body["klom"]["klom_excess"], body["u_lira"]
        assert excess["mean_low"] < excess["mean"] < excess["mean_high"]
        for name in ("accuracy", "auc", "true_positive_rate"):
            assert ulira[f"{name}_low"] <= ulira[name] <= ulira[f"{name}_high"] <= 1


def test_labels_with_margins_are_a_mistake_and_not_ignored(run, pools, tmp_path) -> None:
    np.save(tmp_path / "labels.npy", np.zeros(8, dtype=int))
    result = run(*BASIC, "--labels", "labels.npy")
    assert result.exit_code == Exit.REJECTED
    assert "labels are for logits" in result.stderr


def test_an_unknown_protocol_or_kind_of_originals_is_a_wrong_command_line(run, pools) -> None:
    assert run(*BASIC, "--protocol", "best").exit_code == 2
    assert run(*BASIC, "--originals", "some").exit_code == 2
    assert run(*BASIC, "--retain-unlearned", "1.5").exit_code == 2


def test_the_report_is_one_file_that_loads_nothing_and_holds_the_numbers(run, pools, tmp_path) -> None:
    result = run(*BASIC, *ACCURACIES, "--control", "control.npy", "--report", "report.html")
    assert "report: report.html" in result.stdout
    page = (tmp_path / "report.html").read_text()
    assert not re.search(r"(src|href)=|url\(|<script", page)
    body = read_json(run(*BASIC, *ACCURACIES, "--control", "control.npy", "--json"))
    for value in (body["score"]["estimate"], body["klom"]["klom_b25"]["p95"], body["u_lira"]["auc"]):
        assert f"{value:.3f}" in page
    for name in (*VARIANTS, "klom_excess", "U-LiRA", "control"):
        assert name in page


def test_names_in_the_report_are_text_and_not_markup(run, pools, tmp_path) -> None:
    hostile = "<img src=x onerror=alert(1)>.npy"
    np.save(tmp_path / hostile, pools["unlearned"])
    assert run("score", "--unlearned", hostile, "--retrained", "retrained.npy", "--report", "r.html").exit_code == 0
    assert "<img" not in (tmp_path / "r.html").read_text()


def test_files_that_were_read_are_left_as_they_were(run, pools, tmp_path) -> None:
    before = (tmp_path / "unlearned.npy").read_bytes()
    (tmp_path / "unlearned.npy").chmod(0o444)
    assert run(*BASIC).exit_code == 0
    assert (tmp_path / "unlearned.npy").read_bytes() == before
    assert not (tmp_path / "data").exists()  # no data folder, no database


def test_the_example_of_the_guide_runs_and_its_numbers_are_these(run, tmp_path) -> None:
    section = GUIDE.read_text().split("## Scoring published pools")[1].split("\n## ")[0]
    program, shown = re.findall(r"```(?:python|console)\n(.*?)```", section, re.DOTALL)
    exec(compile(program, "make_pools.py", "exec"), {})
    command = re.search(r"^\$ lacuna (.*)$", shown, re.MULTILINE)
    assert command is not None
    body = read_json(run(*command[1].split(), "--json"))
    rows = {line.split()[0]: line for line in shown.splitlines() if line and not line.startswith("$")}
    for name in (*VARIANTS, "klom_excess"):
        assert rows[name].split()[1] == f"{body['klom'][name]['mean']:.3f}"
    for name, found in body["protocols"].items():
        assert rows[name].split()[1] == f"{found['forgetting_quality']:.3f}"
    assert f"accuracy   {body['u_lira']['accuracy']:.3f}" in rows["U-LiRA"]
    assert (tmp_path / "report.html").exists()
