"""torchvision's ResNet-18, for images of any number of channels, with either stem."""

from torch import nn

from sandbox.torchvision_compat import load_torchvision

STEMS = ("large", "small")


def build(num_classes: int, input_shape: tuple[int, ...], stem: str = "large") -> nn.Module:
    """`stem`: "large" is torchvision's 7×7 and pooling, as in 2023; "small" the papers' 3×3 for images of 32 pixels."""
    if stem not in STEMS:
        raise ValueError(f"`stem` must be one of {', '.join(STEMS)}, not {stem!r}")
    if len(input_shape) != 3:
        raise ValueError(f"images need a channel, a height and a width, not the shape {input_shape}")
    network: nn.Module = load_torchvision("torchvision.models").resnet18(weights=None, num_classes=num_classes)
    if stem == "small":
        _replace_stem(network, nn.Conv2d(input_shape[0], 64, kernel_size=3, padding=1, bias=False))
        network.register_module("maxpool", nn.Identity())
    elif input_shape[0] != 3:
        _replace_stem(network, nn.Conv2d(input_shape[0], 64, kernel_size=7, stride=2, padding=3, bias=False))
    return network


def _replace_stem(network: nn.Module, first: nn.Conv2d) -> None:
    nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")  # as torchvision does
    network.register_module("conv1", first)
