"""What a run on hidden data can tell its author: every field that a participant reads of it, and its bits.

Bits are upper bounds: the logarithm of the number of values that code could choose between. A field that only repeats
others, or that no run decides, has none. docs/threat-model.md prints the sums; a test holds the lists complete.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.domain.coarse import BUCKETS, TWENTIETHS
from core.domain.notifications import Event

LONGEST_MINUTES = 480  # an evaluation of eight hours
DIGITS_VALUES = 101  # 0.00 to 1.00
FIGURE_VALUES = DIGITS_VALUES + 2 * 90  # and two significant digits up to a hundred
FLAG_CHECKS, FLAG_STATES = 9, 3  # that a run decides, a tenth is of the upload; absent, suspicious, strong
TEAMS = 2_000
LADDER_BITS = 1.0  # whether a score moved its team


class Grain(StrEnum):
    """How coarse a field is, by what may be read off it."""

    FIXED = "fixed"  # of the upload, the contest or the platform: no run decides it
    SAME = "same"  # follows from other fields
    LATER = "later"  # empty before the end
    OUTCOME = "outcome"  # scored, failed, the platform's fault
    COUNT = "count"  # fifths of the replicas
    SHARE = "share"  # quarters of the budget, and one bucket above it
    MINUTE = "minute"
    MOMENT = "moment"  # to the second: so often can whoever looks ask
    SCORE = "score"  # two decimals
    FIGURE = "figure"  # two digits
    TWENTIETHS = "twentieths"  # of the forget examples
    FLAGS = "flags"
    RANK = "rank"
    SIGN = "sign"  # better, worse, within noise


BITS: dict[Grain, float] = {
    Grain.FIXED: 0.0,
    Grain.SAME: 0.0,
    Grain.LATER: 0.0,
    Grain.OUTCOME: math.log2(3),
    Grain.COUNT: math.log2(BUCKETS),
    Grain.SHARE: math.log2(BUCKETS),
    Grain.MINUTE: math.log2(LONGEST_MINUTES),
    Grain.MOMENT: math.log2(60 * LONGEST_MINUTES),
    Grain.SCORE: math.log2(DIGITS_VALUES),
    Grain.FIGURE: math.log2(FIGURE_VALUES),
    Grain.TWENTIETHS: math.log2(TWENTIETHS + 1),
    Grain.FLAGS: FLAG_CHECKS * math.log2(FLAG_STATES),
    Grain.RANK: math.log2(TEAMS),
    Grain.SIGN: math.log2(3),
}


def _list(*lists: tuple[Grain, str, str]) -> dict[str, Grain]:
    return {f"{part}.{name}" if part else name: grain for grain, part, names in lists for name in names.split()}


# of every submission that ran
SUBMISSION = _list(
    (
        Grain.FIXED,
        "",
        "id evaluation_id competition user team filename source_digest note note_readers purpose phase created_at",
    ),
    (Grain.FIXED, "", "compute_budget is_disqualified disqualified_reason is_selected links queue_position waits"),
    (Grain.FIXED, "", "started_at published_at licence"),
    (Grain.OUTCOME, "", "verdict"),
    (Grain.SAME, "", "status fault_of code hint has_scorecard held_back flags is_held score rejudged"),
    (Grain.LATER, "", "reason log final"),
    (Grain.COUNT, "", "progress"),
    (Grain.SAME, "", "decided_early"),  # in fifths of the replicas, where progress ends
    (Grain.SHARE, "", "relative_runtime"),
    (Grain.MINUTE, "", "finished_at"),
)
# of a submission whose score moved its team, and of no other
SCORECARD = _list(
    (Grain.FIXED, "", "version metric_version protocol share"),
    (Grain.SAME, "", "report_digest"),  # drawn from what is shown
    (Grain.SCORE, "", "forgetting_quality"),
    (Grain.FIGURE, "", "unlearning_accuracy retain_accuracy test_accuracy"),
    (Grain.SCORE, "score", "estimate low high corrected standard_error"),
    (Grain.FIXED, "score", "level"),
    (Grain.FIXED, "pairs", "originals requests"),
    (Grain.LATER, "pairs", "freedom scores errors"),
    (Grain.LATER, "pairs.noise", "replicas originals requests both"),
    (Grain.SCORE, "protocols", "neurips2023 exact"),
    (Grain.SAME, "protocols", "held_out"),
    (Grain.FIGURE, "utility", "value retain_ratio test_ratio"),
    (Grain.SAME, "likeness", "forget"),  # the forgetting quality
    (Grain.SCORE, "likeness", "test retain balance"),
    (Grain.FIXED, "ceiling", "estimate low high corrected neurips2023 exact"),
    (Grain.FIXED, "ceiling", "forgetting_quality test_quality retain_quality joint_auc"),
    (Grain.SAME, "accuracy.unlearned", "retain forget test"),
    (Grain.FIXED, "accuracy.retrained", "retain forget test"),
    (Grain.SAME, "relative_runtime", "estimate low high wall cpu over_budget seconds_per_replica"),
    (Grain.FIXED, "relative_runtime", "gate clock level budget retrain_seconds"),
    (Grain.SAME, "replicas", "unlearned"),
    (Grain.FIXED, "replicas", "retrained control originals"),
    (Grain.FIXED, "epsilon", "edges points"),
    (Grain.TWENTIETHS, "epsilon", "counts"),
    (Grain.FIGURE, "epsilon", "median"),
    (Grain.FIXED, "provenance", "evaluation_id source_digest calibrations sandbox node_class versions"),
    (Grain.FIXED, "provenance", "spec_digest problem_digest manifest_digest"),
    (Grain.FIXED, "provenance.pool_digests", "original retrained control"),
    (Grain.FLAGS, "flags", "code"),
    (Grain.SAME, "flags", "severity"),
    (Grain.SAME, "decision", "standing after of"),
    (Grain.FIXED, "decision", "rival_place alpha"),
)
LENGTHS = {"epsilon.counts": 13}
# everything else that tells of a run, by the record of the API; `SubmissionView` and the scorecard's parts are above
RECORDS: dict[str, dict[str, Grain]] = {
    "Progress": _list((Grain.SAME, "", "finished"), (Grain.FIXED, "", "total")),
    "Interval": _list((Grain.SAME, "", "estimate low high")),
    "DecidedEarly": _list((Grain.SAME, "", "after"), (Grain.FIXED, "", "of")),
    "FlagView": _list((Grain.SAME, "", "code severity"), (Grain.LATER, "", "value threshold detail")),
    "Rejudged": _list((Grain.FIXED, "", "at reason"), (Grain.SAME, "", "previous_verdict previous_score")),
    "Links": _list((Grain.FIXED, "", "self events scorecard report source cancel page examples")),
    "FinalResult": _list((Grain.LATER, "", "published_at verdict score relative_runtime rank rank_label ranked")),
    "LeaderboardEntry": _list(
        (Grain.FIXED, "", "name filename note purpose submission_id submitted_at replicas_total"),
        (Grain.RANK, "", "rank"),
        (Grain.SAME, "", "place rank_label tie_group tied_first tied_last verdict over_budget decided_early"),
        (Grain.SAME, "", "score score_low score_high score_error score_corrected scored_replicas neurips2023 exact"),
        (Grain.SAME, "", "forgetting_quality test_quality retain_quality balance"),
        (Grain.LATER, "", "noise_shared"),
        (Grain.SAME, "", "utility unlearning_accuracy retain_accuracy test_accuracy"),
        (Grain.SAME, "", "relative_runtime relative_runtime_low relative_runtime_high"),
        (Grain.FIXED, "", "runtime_clock"),
        (Grain.SCORE, "", "truly_better_than_next"),
        (Grain.SAME, "", "would_win_again"),  # of the one above
    ),
    "OwnPlace": _list(
        (Grain.FIXED, "", "competition frozen team"), (Grain.SAME, "", "version entry over_budget position ranked")
    ),
    "BoardChange": _list(
        (Grain.SAME, "", "version cause name submission_id rank_before rank_after lines"),
        (Grain.MOMENT, "", "at"),
        (Grain.FIXED, "", "digest"),  # one-way, over more digits than can be tried
    ),
    "Choice": _list(
        (Grain.FIXED, "", "submission_id filename note user created_at is_selected"),
        (Grain.SAME, "", "verdict score is_finalist"),
    ),
    "Comparison": _list(
        (Grain.FIXED, "", "competition a b is_paired"),
        (Grain.SAME, "", "detail metrics epsilons difference"),
        (Grain.SIGN, "", "conclusion"),
        (Grain.SCORE, "", "difference_error b_is_better"),
    ),
    "ComparedMetric": _list((Grain.FIXED, "", "id name unit better retrained"), (Grain.SAME, "", "a b difference")),
    "ComparedEpsilons": _list((Grain.FIXED, "", "edges"), (Grain.SAME, "", "a b"), (Grain.LATER, "", "each_a each_b")),
    Event.EVALUATION_FINISHED: _list(
        (Grain.FIXED, "", "submission_id competition team filename"), (Grain.SAME, "", "verdict code hint")
    ),
    Event.EVALUATION_REJUDGED: _list(
        (Grain.FIXED, "", "submission_id competition phase team filename reason"),
        (Grain.SAME, "", "old_verdict verdict old_score score"),
    ),
    Event.PLACE_LOST: _list((Grain.FIXED, "", "competition team"), (Grain.SAME, "", "old_rank new_rank")),
    "event": _list((Grain.SAME, "", "at status verdict detail finished total"), (Grain.FIXED, "", "queue_position")),
}


@dataclass(frozen=True, slots=True)
class Channel:
    """One field that tells something, and how much."""

    name: str
    grain: Grain
    bits: float


def list_channels(grains: Mapping[str, Grain], prefix: str = "") -> Iterator[Channel]:
    for name, grain in grains.items():
        if BITS[grain]:
            yield Channel(prefix + name, grain, LENGTHS.get(name, 1) * BITS[grain])


RUN_BITS = LADDER_BITS + sum(channel.bits for channel in list_channels(SUBMISSION))
CLIMB_BITS = sum(
    channel.bits
    for grains in (SCORECARD, RECORDS["LeaderboardEntry"], RECORDS["BoardChange"])
    for channel in list_channels(grains)
)


def count_told(runs: int, climbs: int) -> float:
    """Bits that so many submissions told a team, of which so many moved it."""
    return runs * RUN_BITS + climbs * CLIMB_BITS
