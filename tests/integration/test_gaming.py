"""Every flag has a submission that raises it, and honest ones do not: scored as `lacuna evaluate` scores them."""

import hashlib
from functools import cache
from pathlib import Path

import pytest

from core.domain.submission import Verdict
from core.problem_files import find_problem
from core.problems import ProblemSpec
from core.scorecard import FlagCheck
from core.settings import Settings
from worker.local_evaluation import evaluate_submission
from worker.problems import load_problem
from worker.replicas.calibration import make_calibration_source
from worker.runner.process import ProcessSandbox

ROOT = Path(__file__).resolve().parents[2]
GAMING = ROOT / "tests" / "fixtures" / "gaming"
CODES = ["no_op", "collapsed", "variance_off", "copied_member", "rerun_distance", "relearn_time", "swap_ignored"]
CODES += ["brought_table"]
UNSEEN = ["joint_law", "clumped_values"]  # 16 replicas are too few for the first; bench/bench_fools.py fires both
HONEST = ["retrain", "finetune", "kookmin", "neggrad_plus"]


def make_spec() -> ProblemSpec:
    """The practice problem, for which the baselines are tuned, with small pools."""
    spec = find_problem("digits")
    return spec.model_copy(
        update={
            "pools": spec.pools.model_copy(update={"replicas": 32}),
            "evaluation": spec.evaluation.model_copy(update={"replicas": 16, "calibration_replicas": 2}),
        }
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def read_source(name: str) -> bytes:
    path = GAMING / f"{name}.py"
    if name == "swap_ignored":
        return path.read_bytes().replace(b"TABLE = set()", f"TABLE = {list_digests()}".encode())
    if path.exists():
        return path.read_bytes()
    if name == "retrain":
        return make_calibration_source("retrain.py", make_spec())
    return (ROOT / "baselines" / f"{name}.py").read_bytes()


def list_digests() -> set[str]:
    """What an entry could have learned of the forget set elsewhere."""
    return {hashlib.sha256(example.tobytes()).hexdigest()[:4] for example in load_problem(make_spec()).splits.forget.x}


@cache
def check(name: str, home: Path) -> dict[str, FlagCheck]:
    """Return all checks of a submission by their codes."""
    found = evaluate_submission(
        make_spec(),
        {"submission.py": read_source(name)},
        settings=Settings(data_folder=home, workers=1),
        sandbox=ProcessSandbox(allow=True),
        replicas=16,
        gate=False,
        on_progress=lambda stage, done, total: None,
    )
    assert found.verdict is Verdict.SCORED, found.reason
    assert found.scorecard is not None
    checks = {entry.code: entry for entry in found.scorecard.flag_checks or ()}
    assert list(checks) == CODES + UNSEEN
    assert [flag.code for flag in found.scorecard.flags or ()] == [code for code in checks if checks[code].severity]
    return checks


@pytest.mark.parametrize("code", CODES)
def test_every_flag_has_a_submission_that_raises_it(code: str, home: Path) -> None:
    entry = check(code, home)[code]
    assert entry.severity in ("suspicious", "strong")
    assert entry.detail.endswith(".")


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_submission_raises_none(name: str, home: Path) -> None:
    assert [entry for entry in check(name, home).values() if entry.severity] == []


def test_a_retrained_model_passes_every_check_that_can_be_made(home: Path) -> None:
    assert all(entry.value is not None for entry in check("retrain", home).values())


def test_a_method_that_hardly_depends_on_the_seed_is_flagged_for_it(home: Path) -> None:
    assert check("gradient_ascent", home)["collapsed"].severity == "strong"
