import pytest
import torch

from sandbox.problems.digits import model as digits
from sandbox.problems.fashion_mnist import model as fashion_mnist
from sandbox.problems.resnet import model as resnet


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
