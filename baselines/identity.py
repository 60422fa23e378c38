"""No unlearning: the original model is returned as it is.

Source: the zero point of every table; the least an entry must beat.
Hyper-parameters: none. Deterministic: every replica is the same model.
Cost: nothing.
"""

from collections.abc import Iterable
from typing import Any

from torch import nn


def unlearning(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    return net.eval()
