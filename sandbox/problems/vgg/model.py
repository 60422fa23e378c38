"""VGG-16 with batch normalisation, torchvision's layers, and one linear layer on their mean, as for small images."""

from torch import nn

from sandbox.torchvision_compat import load_torchvision

FEATURES = 512


def build(num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    if len(input_shape) != 3:
        raise ValueError(f"images need a channel, a height and a width, not the shape {input_shape}")
    vgg = load_torchvision("torchvision.models.vgg")
    features = vgg.make_layers(vgg.cfgs["D"], batch_norm=True)
    if input_shape[0] != 3:
        features[0] = nn.Conv2d(input_shape[0], 64, kernel_size=3, padding=1)
    for module in features:
        if isinstance(module, nn.Conv2d):  # as torchvision does
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.constant_(module.get_parameter("bias"), 0)
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(FEATURES, num_classes))
