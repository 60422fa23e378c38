"""A multilayer perceptron; small enough that hundreds are trained as one computation."""

import math
from collections import OrderedDict
from collections.abc import Sequence

from torch import nn


def build(num_classes: int, input_shape: tuple[int, ...], hidden: Sequence[int] = (128,)) -> nn.Module:
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    width = math.prod(input_shape)
    for number, size in enumerate(hidden, start=1):
        layers[f"hidden{number}"] = nn.Linear(width, size)
        layers[f"relu{number}"] = nn.ReLU()
        width = size
    layers["fc"] = nn.Linear(width, num_classes)
    return nn.Sequential(layers)
