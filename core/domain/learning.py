"""Whether a problem's models learnt anything: against models that did not, accuracies kept are worth nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

FAR_BELOW = 0.8  # of the originals' accuracy


@dataclass(frozen=True, slots=True)
class Learning:
    """Mean accuracies (R² where a number is learnt) of original and retrained models."""

    original_retain: float
    original_test: float
    retrained_retain: float
    retrained_test: float
    guessing: float  # what the most frequent class alone reaches on the test set
    models: int  # retrained models that were looked at

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**stored)

    @property
    def bar(self) -> float:
        """Twice what guessing reaches; halfway to perfect where that is less."""
        return min(2 * self.guessing, (1 + self.guessing) / 2)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What an admin has to know before anybody is ranked; empty if all is well."""
        parts = (
            ("retain", self.retrained_retain, self.original_retain),
            ("test", self.retrained_test, self.original_test),
        )
        return tuple(filter(None, (self._doubt(*part) for part in parts)))

    def _doubt(self, name: str, retrained: float, original: float) -> str:
        if retrained <= self.bar:
            return (
                f"retrained models answer {retrained:.0%} of the {name} set, guessing {self.guessing:.0%}: they have"
                " hardly learnt, and any model keeps more accuracy than they have. Train longer"
            )
        if retrained < FAR_BELOW * original:
            return (
                f"retrained models answer {retrained:.0%} of the {name} set, originals {original:.0%}: what is to be"
                " forgotten carries much of the problem, and accuracies kept say little. Forget less, or train longer"
            )
        return ""
