"""A small convolutional network for images of a few thousand pixels."""

from collections import OrderedDict

from torch import nn


def build(
    num_classes: int, input_shape: tuple[int, ...], channels: tuple[int, int] = (8, 16), hidden: int = 64
) -> nn.Module:
    if len(input_shape) != 3:
        raise ValueError(f"images need a channel, a height and a width, not the shape {input_shape}")
    first, second = channels
    features = OrderedDict[str, nn.Module](
        conv1=nn.Conv2d(input_shape[0], first, 3, padding=1),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(first, second, 3, padding=1),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
    )
    width = second * (input_shape[1] // 4) * (input_shape[2] // 4)
    head = OrderedDict[str, nn.Module](
        hidden=nn.Linear(width, hidden),
        relu3=nn.ReLU(),
        fc=nn.Linear(hidden, num_classes),
    )
    return nn.Sequential(features | head)
