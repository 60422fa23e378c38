"""The original that the tests of single methods start from."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.small_methods import CLASSES, draw_examples


@pytest.fixture(scope="module")
def memorised() -> nn.Module:
    """A perceptron that knows 96 retain and 32 forget examples by heart."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, CLASSES))
    x, y = draw_examples()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(300):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net.eval()
