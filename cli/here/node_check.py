"""`lacuna doctor --node`: what a box of this machine promises, and what became of trying the opposite."""

from typing import Any

from cli.here.evaluate import open_sandbox
from cli.show.console import print_error, print_json, print_line
from cli.show.lazy import load
from cli.show.tables import Column, print_fitted
from client.failures import Exit
from core.domain.promises import WORDING, Trial, explain_refusal, keeps_quiet
from core.settings import Settings

TRIED, FOUND = Column("tried", 1, may_wrap=True), Column("found", may_wrap=True)


def check_box(settings: Settings, sandbox: str, *, as_json: bool) -> Exit:
    """The table of promises; not 0 if a worker with these settings would refuse work."""
    box = open_sandbox(settings, sandbox)
    trials: tuple[Trial, ...] = load("worker.runner.trials", "try_promises")(box)
    fault = explain_refusal(trials, box.name, production=settings.production)
    if as_json:
        told = [_to_json(trial) for trial in trials]
        print_json({"sandbox": box.name, "ok": not fault, "fault": fault, "promises": told})
        return Exit.ERRORED if fault else Exit.SCORED
    rows = ((WORDING[each.promise].promise, WORDING[each.promise].tried, _tell(each)) for each in trials)
    print_fitted((Column(f"what {box.name} promises", may_wrap=True), TRIED, FOUND), list(rows))
    if fault:
        print_error(f"a worker here refuses work: {fault}")
        return Exit.ERRORED
    loud = "open problems, and hidden ones in production only with LACUNA_ALLOW_CHANNELS"
    print_line(f"a worker here takes {'all problems' if keeps_quiet(trials) else loud}")
    return Exit.SCORED


def _tell(trial: Trial) -> str:
    return f"{trial.finding}: {trial.detail}" if trial.detail else str(trial.finding)


def _to_json(trial: Trial) -> dict[str, Any]:
    words = WORDING[trial.promise]
    told = {"promise": trial.promise, "text": words.promise, "tried": words.tried}
    return {**told, "finding": trial.finding, "detail": trial.detail}
