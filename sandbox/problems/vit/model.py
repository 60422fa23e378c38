"""torchvision's vision transformer at any size, for square images of three channels."""

from torch import nn

from sandbox.torchvision_compat import load_torchvision


def build(
    num_classes: int,
    input_shape: tuple[int, ...],
    patch: int = 4,
    width: int = 64,
    heads: int = 4,
    layers: int = 4,
) -> nn.Module:
    if len(input_shape) != 3 or input_shape[0] != 3 or input_shape[1] != input_shape[2]:
        raise ValueError(f"square images of three channels are needed, not the shape {input_shape}")
    if input_shape[1] % patch or width % heads:
        raise ValueError(
            f"`patch` {patch} must divide the side {input_shape[1]}, and `heads` {heads} the width {width}"
        )
    network: nn.Module = load_torchvision("torchvision.models").VisionTransformer(
        image_size=input_shape[1],
        patch_size=patch,
        num_layers=layers,
        num_heads=heads,
        hidden_dim=width,
        mlp_dim=2 * width,
        num_classes=num_classes,
    )
    return network
