"""What is hidden from whom, and until when: the one place that says it, as lists of what may be shown.

A field that stands on no list is shown to nobody. Who is let to an address at all is said by `core.domain.access`; what
the answer then holds is said here. How coarse a number of a hidden run is for participants, and how many bits that
tells them, is said by `core.domain.leaks`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.domain.faults import FaultCode
from core.domain.submission import Verdict


class Exposure(StrEnum):
    """How much of a problem its participants see while it runs."""

    PRACTICE = "practice"  # everything, logs and seeds too
    PUBLIC = "public"  # scores alone
    PRIVATE = "private"  # nothing before the end

    @property
    def is_open(self) -> bool:
        """Nothing that a run on it says or holds is hidden: it may be stored, drawn and shown."""
        return self is Exposure.PRACTICE


class Reader(StrEnum):
    ANYBODY = "anybody"  # without an account, or with another one than the author's
    AUTHOR = "author"  # who uploaded, and the team
    STAFF = "staff"  # organizers and admins


class Stage(StrEnum):
    RUNNING = "running"  # also when closed: it may open again
    OVER = "over"  # the final board is published, or all is archived


@dataclass(frozen=True, slots=True)
class Sight:
    """Who looks at a record of which problem, and when."""

    reader: Reader
    exposure: Exposure
    stage: Stage = Stage.RUNNING

    @property
    def is_coarse(self) -> bool:
        """Whether what a run did is told coarsely: code that saw hidden data decided it."""
        return self.reader is not Reader.STAFF and not self.exposure.is_open and self.stage is Stage.RUNNING


class Audience(StrEnum):
    """Who sees a field of a record, of those who are let to the record."""

    ALL = "all"
    INSIDE = "inside"  # its author and staff
    OPEN = "open"  # everybody where nothing is hidden; else staff
    OPEN_INSIDE = "open_inside"  # author and staff, where nothing is hidden; else nobody: it could carry hidden data
    STAFF = "staff"
    KEYED = "keyed"  # a digest: everybody, but as HMAC where it is hidden from the reader
    AFTERWARDS = "afterwards"  # everybody, once it is over
    LATER = "later"  # everybody where nothing is hidden, and elsewhere once it is over; before, staff


def may_see(audience: Audience | None, sight: Sight) -> bool:
    """Whether the field is there for the reader; None: it stands on no list."""
    is_staff, is_open = sight.reader is Reader.STAFF, sight.exposure.is_open
    is_inside = is_staff or sight.reader is Reader.AUTHOR
    return {
        None: False,
        Audience.ALL: True,
        Audience.INSIDE: is_inside,
        Audience.OPEN: is_open or is_staff,
        Audience.OPEN_INSIDE: is_open and is_inside,
        Audience.STAFF: is_staff,
        Audience.KEYED: True,
        Audience.AFTERWARDS: sight.stage is Stage.OVER,
        Audience.LATER: not sight.is_coarse,
    }[audience]


def may_see_reason(verdict: Verdict | None, sight: Sight) -> bool:
    """Whether the one line that says why can carry nothing hidden to the reader."""
    return verdict is None or verdict in TOLD_VERDICTS or may_see(SUBMISSION["reason"], sight)


@dataclass(frozen=True, slots=True)
class Outcome:
    verdict: Verdict | None
    code: FaultCode | None


def tell_outcome(verdict: Verdict | None, code: FaultCode | None, *, has_run: bool, sight: Sight) -> Outcome:
    """How a submission ended, as the reader may know: how code fails is the code's own choice."""
    if not (has_run and sight.is_coarse) or verdict in TOLD_APART or verdict is None:
        return Outcome(verdict, code)
    return Outcome(Verdict.RUNTIME_ERROR, FaultCode.FAILED_ON_HIDDEN_DATA)


def climbs(exposure: Exposure, *, is_private_phase: bool) -> bool:
    """Whether a score of a team is told only if it is above its best told one by more than noise (the Ladder).

    On open problems everything is told; of a private phase nothing is, and its final board goes by the true ones.
    """
    return not exposure.is_open and not is_private_phase


def sees_plain(sight: Sight) -> bool:
    """Whether digests, seeds and single examples are shown to the reader as they are."""
    return may_see(Audience.OPEN, sight)


def list_fields(*lists: tuple[Audience, str, str]) -> dict[str, Audience]:
    """Dotted paths of a record's fields: of each list the audience, the part that they are in, their names."""
    return {f"{part}.{name}" if part else name: audience for audience, part, names in lists for name in names.split()}


ALL, OPEN, KEYED, LATER = Audience.ALL, Audience.OPEN, Audience.KEYED, Audience.LATER

SUBMISSION = list_fields(
    (ALL, "", "id evaluation_id competition user team filename source_digest note note_readers purpose phase"),
    (ALL, "", "status verdict"),
    (ALL, "", "fault_of code hint progress decided_early rejudged queue_position waits score"),
    (ALL, "", "relative_runtime compute_budget created_at started_at finished_at is_disqualified is_held"),
    (ALL, "", "has_scorecard held_back final flags links published_at licence"),
    (Audience.INSIDE, "", "disqualified_reason is_selected"),
    (OPEN, "", "reason plots"),  # what a run says; on hidden problems some verdicts say nothing that came out of one
    (Audience.OPEN_INSIDE, "", "log"),
)
# on a hidden problem their reason says nothing that came out of a run
TOLD_VERDICTS = frozenset({Verdict.REJECTED, Verdict.WITHDRAWN})
# how a run on hidden data ended, as far as it is told: every other verdict is one and the same there. Over the budget
# is the last bucket of the runtime and tells no more than that does; what was withdrawn was so by its author.
TOLD_APART = frozenset({Verdict.SCORED, Verdict.OVER_BUDGET, Verdict.WITHDRAWN, Verdict.PLATFORM_ERROR})

# a problem file as the card shows it; `x.*`: whatever stands in x, which is for code that is public
PROBLEM = list_fields(
    (ALL, "", "slug title summary kind exposure"),
    (ALL, "data", "package options.scale options.name options.folder"),
    (OPEN, "data", "options.set"),  # whoever guesses what was uploaded could make sure
    (ALL, "network", "package options.*"),
    (ALL, "recipe", "epochs batch_size optimizer learning_rate momentum weight_decay schedule warmup_fraction"),
    (ALL, "recipe", "warmup_epochs milestones decay label_smoothing class_weights"),
    (ALL, "split", "train validation test label_noise"),
    (ALL, "forget", "kind fraction class_index classes column values together labels outside"),
    (ALL, "further", "kind fraction class_index classes column values together labels outside"),
    (ALL, "pools", "replicas originals scored strategy"),
    # whoever knows these can draw the hidden forget set and the models it is judged against
    (OPEN, "", "split.seed forget.seed forget.ids further.seed further.ids pools.seed"),
    (ALL, "evaluation", "replicas canary_replicas shard_replicas calibration_replicas compute_budget gate protocol"),
    (ALL, "evaluation", "attacks batch_size batch_format wall_seconds_floor wall_seconds_ceiling canary_margin"),
    (ALL, "evaluation", "memory_bytes scratch_bytes log_bytes processes rerun_replicas allow_native data_bytes"),
    (ALL, "evaluation", "adaptive adaptive.alpha adaptive.rival_place adaptive.min_replicas"),
)

# what a worker found in its data and network (worker/described.py), in words by title
DESCRIPTION = list_fields(
    (ALL, "", "kind batches x y network layers recipe originals requests"),
    (OPEN, "", "values classes examples"),  # figures and names by which a guess at the data could be made sure
)

SCORECARD = list_fields(
    (ALL, "", "version metric_version protocol forgetting_quality report_digest"),
    (ALL, "", "share unlearning_accuracy retain_accuracy test_accuracy"),
    (ALL, "score", "estimate low high level corrected standard_error"),
    (ALL, "pairs", "originals requests"),
    (LATER, "pairs", "freedom scores errors noise.replicas noise.originals noise.requests noise.both"),
    (ALL, "protocols", "held_out neurips2023 exact"),
    (ALL, "likeness", "forget test retain balance"),
    (LATER, "joint", "auc control"),
    (ALL, "utility", "value retain_ratio test_ratio"),
    (ALL, "ceiling", "estimate low high corrected neurips2023 exact"),
    (ALL, "ceiling", "forgetting_quality test_quality retain_quality joint_auc"),
    (ALL, "accuracy.unlearned", "retain forget test"),
    (ALL, "accuracy.retrained", "retain forget test"),
    (ALL, "relative_runtime", "estimate low high wall cpu gate budget over_budget"),
    (ALL, "relative_runtime", "level clock seconds_per_replica retrain_seconds"),
    (LATER, "relative_runtime", "waited yardsticks"),
    (ALL, "replicas", "unlearned retrained control originals"),
    (ALL, "epsilon", "edges points counts median"),
    (OPEN, "epsilon", "per_example lower mu attack"),  # of single forget examples: the way to fit them
    (ALL, "provenance", "evaluation_id source_digest calibrations sandbox node_class versions.*"),
    (KEYED, "provenance", "spec_digest problem_digest manifest_digest"),
    (KEYED, "provenance.pool_digests", "original retrained control"),
    (LATER, "attacks", "attack won median_epsilon"),  # many numbers, each of them a channel: core.domain.leaks
    (ALL, "flags", "code severity"),
    (OPEN, "flags", "value threshold fires detail"),  # would let its author stay just below the threshold
    (OPEN, "flag_checks", "code severity value threshold fires detail"),
    (LATER, "metrics", "id name group unit better variant source value standard_error interval models retrained"),
    (LATER, "metrics", "retrained_standard_error originals_per_run note"),
    (ALL, "decision", "standing rival_place alpha after of"),
    (OPEN, "decision", "rival difference low high"),
)


def find_audience(fields: Mapping[str, Audience], path: str) -> Audience | None:
    """Of a field by its dotted path; the fields of a list's items are named like a part's."""
    part = path.rpartition(".")[0]
    return fields.get(path) or (fields.get(f"{part}.*") if part else None)


def select_fields(record: Mapping[str, Any], fields: Mapping[str, Audience], sight: Sight) -> dict[str, Any]:
    """A record with nothing in it but what the reader may see."""
    return dict(_select(record, fields, sight, ""))


def _select(
    record: Mapping[str, Any], fields: Mapping[str, Audience], sight: Sight, prefix: str
) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        path = prefix + name
        if isinstance(value, Mapping) and has_parts(fields, path):
            yield name, dict(_select(value, fields, sight, f"{path}."))
        elif isinstance(value, list | tuple) and has_parts(fields, path):
            yield name, [dict(_select(item, fields, sight, f"{path}.")) for item in value]
        elif may_see(find_audience(fields, path), sight):
            yield name, value


def has_parts(fields: Mapping[str, Audience], path: str) -> bool:
    """Whether the list names fields inside of this one."""
    return any(known.startswith(f"{path}.") for known in fields)
