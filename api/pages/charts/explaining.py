"""The pictures that explain the score to who never saw it, and the worked example beside them."""

import math
from dataclasses import dataclass

WIDTH, BASE, PEAK = 320.0, 92.0, 74.0  # of one pair of laws: across, its floor, the height of a law
MIDDLE, SPREAD = WIDTH / 2, 34.0
STEPS = 40
BUCKET = 0.5  # nats
LAST = 2.5  # from here on an example earns nothing


@dataclass(frozen=True, slots=True)
class Laws:
    """Confidences of two kinds of models in one forget example, as two bells."""

    words: str
    retrained: str
    unlearned: str


@dataclass(frozen=True, slots=True)
class Worked:
    """Counts of one attacker, four examples, and the score they make: docs/metric.md §4, §8 and §9."""

    models: int = 256
    false_alarms: int = 26
    misses: int = 154
    others: tuple[float, ...] = (0.2, 0.7, 3.0)
    test: float = 0.6
    retain: float = 0.7
    memory: float = 0.6  # chance that a forget example stands out more than a test example in one unlearned model
    retain_kept: float = 0.98
    test_kept: float = 0.97

    @property
    def fpr(self) -> float:
        return self.false_alarms / self.models

    @property
    def fnr(self) -> float:
        return self.misses / self.models

    @property
    def epsilon(self) -> float:
        return max(math.log((1 - self.fpr) / self.fnr), math.log((1 - self.fnr) / self.fpr), 0.0)

    @property
    def epsilons(self) -> tuple[float, ...]:
        return tuple(sorted((*self.others, self.epsilon)))

    @property
    def points(self) -> tuple[float, ...]:
        return tuple(find_points(each) for each in self.epsilons)

    @property
    def forget(self) -> float:
        return sum(self.points) / len(self.points)

    @property
    def balance(self) -> float:
        told_apart = 1 - 2 * abs(self.memory - 0.5)
        return (told_apart * min(self.test / self.forget, 1.0)) ** 2

    @property
    def score(self) -> float:
        return min(self.forget, self.test, self.retain) * self.balance * self.retain_kept * self.test_kept


def find_points(epsilon: float) -> float:
    return 2.0 ** -math.floor(epsilon / BUCKET) if epsilon < LAST else 0.0


def draw_laws() -> tuple[Laws, Laws]:
    alike = "They overlap: the attacker can only guess. Score about 1, like retraining."
    apart = "They lie apart: the attacker is always right. Score 0, nothing forgotten."
    return (
        Laws(alike, draw_bell(MIDDLE - 4), draw_bell(MIDDLE + 4)),
        Laws(apart, draw_bell(MIDDLE - 80), draw_bell(MIDDLE + 80)),
    )


def draw_bell(middle: float) -> str:
    places = [WIDTH * step / STEPS for step in range(STEPS + 1)]
    heights = [BASE - PEAK * math.exp(-(((x - middle) / SPREAD) ** 2) / 2) for x in places]
    line = "L".join(f"{x:.0f} {y:.1f}" for x, y in zip(places, heights, strict=True))
    return f"M0 {BASE:.0f}L{line}L{WIDTH:.0f} {BASE:.0f}Z"
