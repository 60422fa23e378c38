"""Live progress on stderr: bars on a terminal, one line per stage and quarter elsewhere."""

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

QUARTERS = 4


class StageProgress:
    """Call `update(stage, done, total)` from anywhere in the work; a new stage opens a new bar."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, quiet=quiet)
        self._tasks: dict[str, TaskID] = {}
        self._quarters: dict[str, int] = {}
        self._bars = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
        )

    def __enter__(self) -> "StageProgress":
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def update(self, stage: str, done: int, total: int) -> None:
        if self._console.is_terminal:
            self._show_bar(stage, done, total)
        else:
            self._print_quarter(stage, done, total)

    def _show_bar(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)

    def _print_quarter(self, stage: str, done: int, total: int) -> None:
        quarter = QUARTERS * done // total if total else QUARTERS
        if self._quarters.get(stage) == quarter:
            return
        self._quarters[stage] = quarter
        self._console.print(f"{stage} {done}/{total}", soft_wrap=True)
