"""Which numbers a league's table shows, by the source whose tables it follows."""

from dataclasses import dataclass
from enum import StrEnum

from worker.scorecard.metric_list import CLOSER, METRICS


class ColumnSet(StrEnum):
    SALUN = "salun"
    SFR = "sfr"
    UGRADSL = "ugradsl"
    COMP = "comp"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class LeagueColumn:
    id: str
    title: str
    digits: int = 2
    has_gap: bool = False  # what retrained models get is the goal, not the most or the least


DIGITS = {"percent": 2, "percent points": 2, "fraction": 3, "nats": 3, "seconds": 3, "minutes": 4}
OF_SCORE = (
    LeagueColumn("score", "score", 3),
    LeagueColumn("f_forget", "F forget", 3),
    LeagueColumn("f_test", "F test", 3),
    LeagueColumn("f_retain", "F retain", 3),
    LeagueColumn("neurips2023", "2023", 3),
    LeagueColumn("relative_runtime", "runtime %", 1),
)
OF_METRICS = tuple(
    LeagueColumn(
        metric.id,
        f"{metric.name} min" if metric.id == "rte_minutes" else metric.name,
        DIGITS[metric.unit],
        metric.better == CLOSER,
    )
    for metric in METRICS
)
_BY_ID = {column.id: column for column in (*OF_SCORE, *OF_METRICS)}
_IDS: dict[ColumnSet, tuple[str, ...]] = {
    ColumnSet.SALUN: ("ua", "ra", "ta", "mia_eff", "avg_gap", "rte_minutes"),
    ColumnSet.SFR: ("fa", "ra", "ta", "mia_sfr", "avg_d", "d_kl", "rte_minutes"),
    ColumnSet.UGRADSL: ("ua", "mia_eff", "ra", "ta", "avg_gap", "sum", "rte_minutes", "mia_add"),
    ColumnSet.COMP: ("score", "f_forget", "f_test", "f_retain", "neurips2023", "ua", "ra", "ta", "relative_runtime"),
    ColumnSet.ALL: tuple(_BY_ID),
}
_ORDER = {ColumnSet.SALUN: "avg_gap", ColumnSet.SFR: "avg_d", ColumnSet.UGRADSL: "avg_gap"}


def list_columns(chosen: ColumnSet) -> tuple[LeagueColumn, ...]:
    return tuple(_BY_ID[name] for name in _IDS[chosen])


def find_order(chosen: ColumnSet) -> tuple[str, bool]:
    """The column that the rows are sorted by, and whether the most comes first."""
    return (_ORDER[chosen], False) if chosen in _ORDER else ("score", True)
