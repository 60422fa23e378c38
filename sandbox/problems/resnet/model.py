"""torchvision's ResNet-18, as the 2023 challenge used it, for images of any number of channels."""

from torch import nn

from sandbox.torchvision_compat import load_torchvision


def build(num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    if len(input_shape) != 3:
        raise ValueError(f"images need a channel, a height and a width, not the shape {input_shape}")
    network: nn.Module = load_torchvision("torchvision.models").resnet18(weights=None, num_classes=num_classes)
    if input_shape[0] != 3:
        stem = nn.Conv2d(input_shape[0], 64, kernel_size=7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")  # as torchvision does
        network.register_module("conv1", stem)
    return network
