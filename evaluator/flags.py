"""Ten checks for entries whose score may not mean what it says; each is a hint to a person, never a verdict.

Every threshold is a multiple of something measured on models that never saw the forget set (docs/flags.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats, check_pools, check_vector
from evaluator.errors import InvalidPool
from evaluator.fingerprints import Reference, compute_distances, find_nearest, find_nearest_twins
from evaluator.joint import JointView
from evaluator.relearning import compute_relative_steps, find_target

NO_OP_SHARE = 0.1  # of the way from a retrained model to the original
NO_OP_WEIGHTS = 2.0**-11  # relative change of weights: what storing them in half precision does
NO_OP_QUANTILE = 0.1  # so that a tenth of the replicas is enough
TWIN_SHARE = 0.1  # of the smallest distance between two models that never saw the forget set
STRONG_TWINS = 0.1  # share of the replicas that have a twin
VARIANCE_FOLD = 3.0  # times what two pools of retrained models differ by
STRONG_VARIANCE_FOLD = 10.0
LARGEST_FOLD = 1000.0  # a finite stand-in where one pool does not vary at all
COPY_SHARE = 0.5  # of the smallest distance between two models that never saw the forget set
RERUN_SHARE = 0.5  # of the distance to the nearest replica of another seed
RELEARN_SHARE = 0.5  # of the steps that the fastest of the retrained models needs from the same loss on
CLAIM_SHARE = 0.5  # of the way, in log loss, from the original to the retrained models: then it looks forgotten
SWAP_SHARE = 0.25  # of the forgetting that must move with the forget set; an honest method moves all of it
SWAP_CLAIM = 0.25  # of what retraining forgets: with less there is nothing to move
SWAP_ALIKE = 0.7  # of it, where the others were drawn as the forget set was: less is forgotten of what is not known
SWAP_ALIKE_CLAIM = 0.5  # of what retraining forgets: with less, chance moves that much
JOINT_SPREADS = 4.0  # above a half, in spreads of the area that two pools of one law have
CLUMPED = 0.1  # of the way from chance to pools that never mix; models of one law are at 0
LOOKS_RETRAINED = 0.5  # of the points of retrained models: below it single examples tell the entry apart already
MEMORISED_FOLD = 1.5  # how much more loss retrained models must have for there to be anything to relearn


class FlagCode(StrEnum):
    no_op = "no_op"
    collapsed = "collapsed"
    variance_off = "variance_off"
    copied_member = "copied_member"
    rerun_distance = "rerun_distance"
    relearn_time = "relearn_time"
    swap_ignored = "swap_ignored"
    brought_table = "brought_table"
    joint_law = "joint_law"
    clumped_values = "clumped_values"


BELOW = frozenset(
    {FlagCode.no_op, FlagCode.copied_member, FlagCode.relearn_time, FlagCode.swap_ignored}
)  # fire below their threshold


class Severity(StrEnum):
    notice = "notice"
    suspicious = "suspicious"
    strong = "strong"


@dataclass(frozen=True, slots=True)
class Flag:
    """A check that fired; `detail` is one sentence for someone who does not know the metric."""

    code: FlagCode
    severity: Severity
    value: float
    threshold: float
    detail: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check, whether it fired or not; a value of None means that it could not be made, and detail says why."""

    code: FlagCode
    value: float | None
    threshold: float | None
    detail: str
    severity: Severity | None = None  # None: it did not fire

    @property
    def flag(self) -> Flag | None:
        if self.severity is None or self.value is None or self.threshold is None:
            return None
        return Flag(self.code, self.severity, self.value, self.threshold, self.detail)


def skip(code: FlagCode, reason: str) -> Check:
    return Check(code, None, None, reason)


def check_no_op(prints: Floats, reference: Reference, weight_change: ArrayLike) -> Check:
    """Fires if a tenth of the replicas, or more, are still the original.

    prints: (R, F) fingerprints in the reference's units; weight_change: (R,) L2 distance to the original, relative.
    Value: distance of outputs to the nearest original over that of retrained models, at the lowest decile, from 0.
    Raises InvalidPool if the shapes disagree.
    Source: docs/flags.md, no_op.
    """
    moved = check_vector(weight_change, "weight_change", length=len(prints))
    weights = float(np.quantile(moved, NO_OP_QUANTILE))
    if weights <= NO_OP_WEIGHTS:
        said = f"At least a tenth of the replicas have the original's weights; the most they moved is {weights:.2g}."
        return Check(FlagCode.no_op, weights, NO_OP_WEIGHTS, said, Severity.strong)
    if reference.travel == 0:
        return skip(FlagCode.no_op, "Retrained models answer exactly as the original does.")
    value = float(np.quantile(find_nearest(prints, reference.originals), NO_OP_QUANTILE)) / reference.travel
    said = f"The tenth of the replicas that moved least went {value:.1%} of the way a retrained model is away."
    return Check(FlagCode.no_op, value, NO_OP_SHARE, said, Severity.suspicious if value < NO_OP_SHARE else None)


def check_collapsed(prints: Floats, reference: Reference, digests: Sequence[str]) -> Check:
    """Fires if any replica has a twin: the same weights, or outputs far nearer than two retrained models ever are.

    prints: (R, F) fingerprints in the reference's units, R >= 2; digests: R digests of weights, or none if unknown.
    Value: share of the replicas that have a twin, in [0, 1].
    Raises InvalidPool if the number of digests is another one, or R < 2.
    Source: docs/flags.md, collapsed.
    """
    if digests and len(digests) != len(prints):
        raise InvalidPool(f"there are {len(digests)} digests for {len(prints)} replicas")
    same = np.array([digests.count(digest) > 1 for digest in digests], dtype=np.bool_)
    near = find_nearest_twins(prints) < TWIN_SHARE * reference.spacing
    twins = near | same if len(same) else near
    value = float(np.mean(twins))
    if value == 0:
        return Check(FlagCode.collapsed, 0.0, 0.0, "Every replica is a model of its own.")
    said = f"{int(twins.sum())} of {len(twins)} replicas are (nearly) the same model as another one, seeds aside."
    severity = Severity.strong if value >= STRONG_TWINS else Severity.suspicious
    return Check(FlagCode.collapsed, value, 0.0, said, severity)


def check_variance(
    unlearned: Mapping[str, ArrayLike], retrained: Mapping[str, ArrayLike], control: Mapping[str, ArrayLike]
) -> Check:
    """Fires if the replicas vary far more, or far less, than retrained models do.

    unlearned, retrained, control: for each split by name, (R, N) confidences in nats, R >= 2 each.
    Value: the larger of the splits' fold changes of spread, >= 1 and <= LARGEST_FOLD, spread being the interquartile
    range over replicas and the fold its ratio's median over examples.
    Raises InvalidPool if the shapes disagree or a value is not finite.
    Source: docs/flags.md, variance_off.
    """
    ratios = {split: compute_spread_ratio(unlearned[split], retrained[split]) for split in unlearned}
    honest = {split: compute_spread_ratio(control[split], retrained[split]) for split in unlearned}
    known = {split: ratio for split, ratio in ratios.items() if ratio is not None}
    if not known:
        return skip(FlagCode.variance_off, "The retrained models do not vary at all.")
    split = max(known, key=lambda name: _fold(known[name]))
    value = _fold(known[split])
    usual = max(_fold(ratio) for ratio in honest.values() if ratio is not None)
    threshold = min(VARIANCE_FOLD * usual, LARGEST_FOLD)
    more = "more" if known[split] > 1 else "less"
    said = f"On the {split} set the replicas vary {value:.1f} times {more} than retrained models."
    if value < threshold:
        return Check(FlagCode.variance_off, value, threshold, said)
    strong = value >= STRONG_VARIANCE_FOLD * usual
    return Check(FlagCode.variance_off, value, threshold, said, Severity.strong if strong else Severity.suspicious)


def compute_spread_ratio(unlearned: ArrayLike, retrained: ArrayLike) -> float | None:
    """Median over examples of the ratio of interquartile ranges over replicas; None if no example varies.

    unlearned, retrained: (R, N) and (R', N) confidences in nats. Raises InvalidPool as check_pools does.
    """
    left, right = (np.subtract(*np.quantile(pool, [0.75, 0.25], axis=0)) for pool in check_pools(unlearned, retrained))
    varying = right > 0
    return float(np.median(left[varying] / right[varying])) if varying.any() else None


def check_copied(prints: Floats, reference: Reference) -> Check:
    """Fires if a replica is far nearer to a retrained or control model than those are to each other.

    prints: (R, F) fingerprints in the reference's units.
    Value: the smallest distance of a replica to a member over the smallest between two members, from 0.
    Raises InvalidPool if the shapes disagree.
    Source: docs/flags.md, copied_member.
    """
    if reference.spacing == 0:
        return skip(FlagCode.copied_member, "Two retrained models are the same.")
    distances = find_nearest(prints, reference.members) / reference.spacing
    value, copies = float(distances.min()), int((distances < COPY_SHARE).sum())
    if not copies:
        said = f"No replica is nearer to a retrained model than {value:.2f} times the least distance between two."
        return Check(FlagCode.copied_member, value, COPY_SHARE, said)
    said = f"{copies} of {len(prints)} replicas are nearly a model of a pool that no submission may know."
    return Check(FlagCode.copied_member, value, COPY_SHARE, said, Severity.strong)


def check_rerun(prints: Floats, rerun: Floats) -> Check:
    """Fires if running replicas again with their seeds changes them as much as other seeds do.

    prints: (R, F) fingerprints in the reference's units, R >= 2; rerun: (Q, F), of the first Q replicas, 1 <= Q <= R.
    Value: the largest distance of a rerun to its first run over that to the nearest replica of another seed, from 0.
    Raises InvalidPool if there is no rerun or more reruns than replicas.
    Source: docs/flags.md, rerun_distance.
    """
    if not 1 <= len(rerun) <= len(prints) or len(prints) < 2:
        raise InvalidPool(f"there are {len(rerun)} reruns of {len(prints)} replicas")
    others = find_nearest_twins(prints)[: len(rerun)]
    if bool((others == 0).any()):
        return skip(FlagCode.rerun_distance, "Another seed gave the very same model, so a rerun says nothing.")
    value = float((np.diagonal(compute_distances(prints[: len(rerun)], rerun)) / others).max())
    said = f"The same seed run again differs by {value:.1%} of what another seed changes."
    return Check(
        FlagCode.rerun_distance, value, RERUN_SHARE, said, Severity.suspicious if value >= RERUN_SHARE else None
    )


def check_relearning(unlearned: ArrayLike, retrained: ArrayLike, original_loss: float) -> Check:
    """Fires if what looks forgotten comes back far faster than a retrained model learns it from the same loss on.

    unlearned, retrained: (R, S + 1) and (M, S + 1) losses on the forget set while it is trained on again, in nats;
    original_loss: mean loss of the originals on it.
    Value: median over replicas of steps to the original's loss, relative to retrained models', from 0.
    Raises InvalidPool if a loss is negative or not finite.
    Source: docs/flags.md, relearn_time.
    """
    target = find_target(retrained, original_loss)
    usual = float(np.median(np.asarray(retrained)[:, 0]))
    if target <= 0 or usual < MEMORISED_FOLD * target:
        return skip(FlagCode.relearn_time, "The original knows the forget set hardly better than retrained models.")
    start = float(np.median(np.asarray(unlearned)[:, 0]))
    claim = target ** (1 - CLAIM_SHARE) * usual**CLAIM_SHARE
    relative = compute_relative_steps(unlearned, retrained, target=target)
    if start < claim or not bool(np.isfinite(relative).any()):
        said = f"The forget set is still known: its loss is {start:.2f}, that of retrained models {usual:.2f}."
        return skip(FlagCode.relearn_time, said + " There is nothing hidden to bring back.")
    value = float(np.nanmedian(relative))
    fastest = np.nanmin(compute_relative_steps(retrained, retrained, target=target))
    threshold = RELEARN_SHARE * min(float(fastest), 1.0)
    said = f"The forget set is learnt again in {value:.0%} of the steps a retrained model of equal loss needs."
    return Check(FlagCode.relearn_time, value, threshold, said, Severity.suspicious if value < threshold else None)


def check_swap(
    unlearned: ArrayLike,
    swapped: ArrayLike,
    original: ArrayLike,
    spare: ArrayLike,
    retrained: ArrayLike,
    *,
    alike: bool,
) -> Check:
    """Fires if replicas that are told to forget other examples, from another original, forget them less.

    unlearned, swapped, original, spare, retrained: (R,) each model's mean confidence on the forget set less that on the
    examples which change places with it, in nats; the lengths may differ. spare: of the original of the swapped ones.
    alike: the others were drawn as the forget set was, so that a method forgets as much of them.
    Value: share of the forgetting that moved with the forget set: 1 if all of it did, 0 if none did, a half if the
    others were not forgotten, nor the forget set.
    Raises InvalidPool if a value is not finite or there is none.
    Source: docs/flags.md, swap_ignored.
    """
    parts = (unlearned, swapped, original, spare, retrained)
    told, other, start, elsewhere, usual = (float(np.mean(check_vector(part, "contrast"))) for part in parts)
    claim = (told - start) / (usual - start) if usual < start else 0.0
    if claim < SWAP_CLAIM:
        return skip(FlagCode.swap_ignored, "Too little was forgotten to see whether it moves with the forget set.")
    value = (other - elsewhere + start - told) / (2 * (start - told))
    threshold = SWAP_ALIKE if alike and claim >= SWAP_ALIKE_CLAIM else SWAP_SHARE
    said = f"Given another original to forget other examples, the code moved {value:.0%} of its forgetting to them."
    return Check(FlagCode.swap_ignored, value, threshold, said, Severity.suspicious if value < threshold else None)


def check_joint(view: JointView, least: float, *, usual: float) -> Check:
    """Fires if models look retrained example by example, and one look at all outputs together says otherwise.

    view: of the entry against the retrained pool; least: its points where they are least, in [0, 1]; usual: those of a
    second bank of retrained models.
    Value: area under the ROC curve, 0.5 for one law, 1 for laws that one model gives away.
    Source: docs/flags.md, joint_law.
    """
    if least < LOOKS_RETRAINED * usual:
        said = f"Single examples tell the entry apart already: {least:.2f} points, {usual:.2f} for retrained models."
        return skip(FlagCode.joint_law, said)
    threshold = min(0.5 + JOINT_SPREADS * view.null_spread, 1.0)
    said = f"All outputs of one model together tell it from a retrained one in {view.auc:.0%} of pairs."
    fires = view.auc >= threshold
    return Check(FlagCode.joint_law, view.auc, threshold, said, Severity.suspicious if fires else None)


def check_clumped(value: float, least: float, *, usual: float) -> Check:
    """Fires if values look retrained in every region, and lie among values of their own pool all the same.

    value: compute_clumping of the entry against the retrained pool, the largest over sets of examples; least, usual:
    as for check_joint.
    Value: how much more often than by chance the nearest value is of the same pool, 0 for one law, 1 for no mixing.
    Source: docs/flags.md, clumped_values.
    """
    if least < LOOKS_RETRAINED * usual:
        said = f"Single examples tell the entry apart already: {least:.2f} points, {usual:.2f} for retrained models."
        return skip(FlagCode.clumped_values, said)
    said = f"Confidences lie among those of other replicas {value:.0%} of the way from chance to always."
    severity = Severity.suspicious if value >= CLUMPED else None
    return Check(FlagCode.clumped_values, value, CLUMPED, said, severity)


def check_brought(parts: Mapping[str, int], least: int) -> Check:
    """Fires if what was submitted has much in it that reads like a table: numbers, texts and names of no person.

    parts: bytes, by where they are. least: from how many on.
    Value: bytes altogether, from 0.
    Source: docs/flags.md, brought_table.
    """
    total = sum(parts.values())
    where = ", ".join(f"{name} {count}" for name, count in sorted(parts.items(), key=lambda part: -part[1]) if count)
    said = f"Of what was submitted {total} bytes read like a table{f' ({where})' if where else ''}."
    severity = Severity.suspicious if total >= least else None
    return Check(FlagCode.brought_table, float(total), float(least), said, severity)


def _fold(ratio: float) -> float:
    return LARGEST_FOLD if ratio <= 0 else min(max(ratio, 1 / ratio), LARGEST_FOLD)
