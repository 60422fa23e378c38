"""Membership-inference attacks on single models, each exactly as its source defines it; never compare across them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.svm import SVC

from evaluator.arrays import Floats, Ints
from evaluator.errors import InvalidPool
from evaluator.metrics.logistic import fit_rules

SVM_PENALTY = 3.0  # C of the source
KIT_SPLITS = 10
SCRUB_SPLITS = 5
MIN_EXAMPLES = 10  # of D_f and of D_t: a tenth of a split is held out and must hold both labels


def compute_mia_eff(retain: ArrayLike, test: ArrayLike, forget: ArrayLike) -> Floats:
    """MIA-efficacy: share of D_f that an SVM on the true class's probability takes for non-members, in percent.

    retain, test, forget: (R, P), (R, Q), (R, N) confidences in nats of log odds. Members are the first Q of retain.
    Returns (R,) in [0, 100]; higher is more forgotten. Raises InvalidPool if shapes disagree or a value is not finite.
    Source: docs/metrics.md §3, Jia et al. 2023 and SalUn: RBF kernel, C = 3, gamma = 1 / features = 1.
    """
    members, unseen, asked = _check_sets(retain, test, forget)
    members = members[:, : unseen.shape[1]]
    labels = np.repeat([1, 0], [members.shape[1], unseen.shape[1]])
    sets = zip(expit(np.hstack([members, unseen])), expit(asked), strict=True)
    return np.array([_ask_svm(known, labels, chances) for known, chances in sets], dtype=np.float64)


def compute_mia_sfr(retain: ArrayLike, test: ArrayLike, forget: ArrayLike) -> Floats:
    """SFR-on's attack: share of D_f that a balanced logistic regression on entropy takes for members, in percent.

    retain, test, forget: (R, P), (R, Q), (R, N) entropies in nats; members are all of retain.
    Returns (R,) in [0, 100]; higher is less forgotten. Raises InvalidPool if shapes disagree or a value is not finite.
    Source: docs/metrics.md §3, SFR-on.
    """
    members, unseen, asked = _check_sets(retain, test, forget)
    labels = np.repeat([True, False], [members.shape[1], unseen.shape[1]])
    rules = fit_rules(np.hstack([members, unseen]), labels, balanced=True)
    taken: Floats = 100.0 * rules.predict(asked).mean(axis=1)
    return taken


def compute_mia_add(forget: ArrayLike, test: ArrayLike, *, seed: int = 0) -> Floats:
    """UGradSL's additional attack: accuracy in percent at telling D_f from D_t by the loss; about 50 is ideal.

    forget, test: (R, N), (R, Q) confidences in nats of log odds; of the larger set a random subset as large as the
    other is used. Returns (R,) in [0, 100]: mean over 10 stratified splits that hold out a tenth.
    Raises InvalidPool if either set has fewer than 10 examples, shapes disagree or a value is not finite.
    Source: docs/metrics.md §3.
    """
    asked, unseen = _check_pair(forget, test)
    rng = np.random.default_rng(seed)
    size = min(asked.shape[1], unseen.shape[1])
    pair = _Pair(_draw(asked, size, rng), _draw(unseen, size, rng))
    return 100.0 * _cross_validate(pair, splits=KIT_SPLITS, seed=seed)


def compute_mia_kit(forget: ArrayLike, test: ArrayLike, *, seed: int = 0) -> Floats:
    """The 2023 starting kit's attack: accuracy at telling D_f from D_t by the loss, as a fraction; 0.5 is ideal.

    forget, test: (R, N), (R, Q) confidences in nats of log odds; the forget losses are shuffled and both sets cut to
    the length of the shorter. Returns (R,) in [0, 1]: mean over 10 stratified splits that hold out a tenth.
    Raises InvalidPool if either set has fewer than 10 examples, shapes disagree or a value is not finite.
    Source: docs/metrics.md §3.
    """
    asked, unseen = _check_pair(forget, test)
    size = min(asked.shape[1], unseen.shape[1])
    pair = _Pair(_draw(asked, size, np.random.default_rng(seed)), unseen[:, :size])
    return _cross_validate(pair, splits=KIT_SPLITS, seed=seed)


def compute_mia_kit_scrub(
    forget: ArrayLike, test: ArrayLike, *, forget_labels: ArrayLike, test_labels: ArrayLike, seed: int = 0
) -> Floats:
    """SCRUB's form of the kit's attack: D_t restricted to the classes of D_f, 5 splits; a fraction, 0.5 is ideal.

    forget, test: (R, N), (R, Q) confidences in nats of log odds; labels: (N,), (Q,) integers. Of the larger set a
    random subset as large as the other is used. Returns (R,) in [0, 1].
    Raises InvalidPool if either set, once restricted, has fewer than 10 examples, or shapes disagree.
    Source: docs/metrics.md §3.
    """
    asked, unseen = _check_models(forget, "forget"), _check_models(test, "test")
    classes, found = np.asarray(forget_labels), np.asarray(test_labels)
    if classes.shape != asked.shape[1:] or found.shape != unseen.shape[1:]:
        raise InvalidPool("the labels do not fit the confidences")
    asked, unseen = _check_pair(asked, unseen[:, np.isin(found, classes)])
    rng = np.random.default_rng(seed)
    size = min(asked.shape[1], unseen.shape[1])
    pair = _Pair(_draw(asked, size, rng), _draw(unseen, size, rng))
    return _cross_validate(pair, splits=SCRUB_SPLITS, seed=seed)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Confidences of equally many forget and test examples."""

    forget: Floats
    test: Floats


def _cross_validate(pair: _Pair, *, splits: int, seed: int) -> Floats:
    """Accuracy on the held-out tenth, averaged over the splits; (R,) fractions. All models share the splits."""
    loss = np.logaddexp(0.0, -np.hstack([pair.test, pair.forget]))  # -ln p of the true class
    labels = np.repeat([False, True], pair.test.shape[1])
    folds = StratifiedShuffleSplit(n_splits=splits, random_state=seed)
    accuracies = np.empty((splits, len(loss)))
    for row, (fitted, judged) in enumerate(folds.split(np.zeros((labels.size, 1)), labels)):
        rules = fit_rules(loss[:, fitted], labels[fitted], balanced=False)
        accuracies[row] = (rules.predict(loss[:, judged]) == labels[judged]).mean(axis=1)
    mean: Floats = accuracies.mean(axis=0)
    return mean


def _ask_svm(known: Floats, labels: Ints, asked: Floats) -> float:
    machine = SVC(C=SVM_PENALTY, kernel="rbf", gamma="auto").fit(known[:, None], labels)
    return 100.0 * float(np.mean(machine.predict(asked[:, None]) == 0))


def _draw(values: Floats, size: int, rng: np.random.Generator) -> Floats:
    """A random subset of the examples, the same for every model."""
    return values[:, rng.permutation(values.shape[1])[:size]]


def _check_pair(forget: ArrayLike, test: ArrayLike) -> tuple[Floats, Floats]:
    asked, unseen = _check_models(forget, "forget"), _check_models(test, "test")
    if len(asked) != len(unseen):
        raise InvalidPool(f"the sets disagree on models: {len(asked)} on the forget set, {len(unseen)} on the test set")
    for name, values in (("forget", asked), ("test", unseen)):
        if values.shape[1] < MIN_EXAMPLES:
            raise InvalidPool(f"the attack needs {MIN_EXAMPLES} {name} examples, got {values.shape[1]}")
    return asked, unseen


def _check_sets(retain: ArrayLike, test: ArrayLike, forget: ArrayLike) -> tuple[Floats, Floats, Floats]:
    sets = _check_models(retain, "retain"), _check_models(test, "test"), _check_models(forget, "forget")
    if len({len(values) for values in sets}) != 1 or any(values.shape[1] == 0 for values in sets):
        raise InvalidPool(f"the sets disagree on models or are empty: {[values.shape for values in sets]}")
    return sets


def _check_models(values: ArrayLike, name: str) -> Floats:
    try:
        array: NDArray[Any] = np.asarray(values)
    except ValueError as error:
        raise InvalidPool(f"the {name} values are not a rectangular array") from error
    if array.ndim != 2 or len(array) == 0 or array.dtype.kind not in "fiu":
        raise InvalidPool(f"the {name} values must be real numbers (models, examples), got {array.dtype} {array.shape}")
    if not np.isfinite(array).all():
        raise InvalidPool(f"the {name} values are not all finite")
    return array.astype(np.float64)
