import pytest
import torch

from baselines.retrain import reinitialise
from sandbox.problems.digits import model as digits
from sandbox.problems.fashion_mnist import model as fashion_mnist
from sandbox.problems.resnet import model as resnet
from sandbox.problems.vgg import model as vgg
from sandbox.problems.vit import model as vit


def test_the_perceptron_has_the_announced_number_of_parameters() -> None:
    network = digits.build(10, (64,))
    assert sum(value.numel() for value in network.parameters()) == 9610


def test_the_convolutional_network_takes_any_image_size() -> None:
    assert fashion_mnist.build(7, (3, 14, 14), channels=(4, 6), hidden=9)(torch.zeros(2, 3, 14, 14)).shape == (2, 7)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_residual_network_takes_grey_and_colour_images(channels: int) -> None:
    network = resnet.build(5, (channels, 32, 32)).eval()
    assert network(torch.zeros(2, channels, 32, 32)).shape == (2, 5)


@pytest.mark.parametrize("build", [fashion_mnist.build, resnet.build])
def test_a_network_for_images_refuses_vectors(build) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="images need"):
        build(10, (64,))


def test_the_small_stem_keeps_the_size_of_small_images() -> None:
    large, small = (resnet.build(5, (3, 32, 32), stem=stem).eval() for stem in ("large", "small"))
    assert isinstance(small.maxpool, torch.nn.Identity)
    assert small.conv1(torch.zeros(1, 3, 32, 32)).shape[2:] == (32, 32)
    assert large.conv1(torch.zeros(1, 3, 32, 32)).shape[2:] == (16, 16)
    assert small(torch.zeros(2, 3, 32, 32)).shape == (2, 5)
    with pytest.raises(ValueError, match="large, small"):
        resnet.build(5, (3, 32, 32), stem="tiny")


def test_vgg_takes_small_images_of_any_channels() -> None:
    assert vgg.build(7, (1, 32, 32)).eval()(torch.zeros(2, 1, 32, 32)).shape == (2, 7)


def test_the_vision_transformer_has_the_asked_size() -> None:
    network = vit.build(6, (3, 16, 16), patch=8, width=16, heads=2, layers=1).eval()
    assert network(torch.zeros(2, 3, 16, 16)).shape == (2, 6)
    for shape, options in (((1, 16, 16), {}), ((3, 16, 8), {}), ((3, 16, 16), {"patch": 5})):
        with pytest.raises(ValueError, match=r"square images|must divide"):
            vit.build(6, shape, **options)


def test_a_retrained_transformer_keeps_nothing_of_the_original() -> None:
    network = vit.build(6, (3, 16, 16), patch=8, width=16, heads=2, layers=1)
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, 7.0)
    reinitialise(network)
    assert not any(bool((parameter == 7.0).any()) for parameter in network.parameters())
