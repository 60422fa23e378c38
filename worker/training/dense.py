"""Gradients of a stack of multilayer perceptrons, written by hand: batched matrix products and nothing else."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sandbox.kinds.parts import Targets


def dense_layers(network: nn.Module) -> list[str] | None:
    """Return the names of the linear layers if the network is linear layers with ReLU between, else None."""
    if not isinstance(network, nn.Sequential):
        return None
    children = list(network.named_children())
    if children and isinstance(children[0][1], nn.Flatten):
        children = children[1:]
    names = [name for name, _ in children[0::2]]
    regular = len(children) % 2 == 1
    linear = all(isinstance(child, nn.Linear) and child.bias is not None for _, child in children[0::2])
    between = all(isinstance(child, nn.ReLU) for _, child in children[1::2])
    return names if regular and linear and between else None


class DenseStack:
    """The gradient function for networks that `dense_layers` recognises."""

    def __init__(self, layers: Sequence[str], targets: Targets) -> None:
        self._layers, self._targets = list(layers), targets

    def compute_gradients(
        self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, y: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """x: (R, B, …), y: (R, B); the loss is that of the targets, the mean of each member's batch."""
        with torch.no_grad():
            inputs = self._forward(parameters, x.flatten(start_dim=2))
            error = self._targets.compute_gradient(inputs.pop(), y)
            return self._backward(parameters, inputs, error), buffers

    def _forward(self, parameters: dict[str, Tensor], x: Tensor) -> list[Tensor]:
        """Return the input of every layer, and the outputs last."""
        values = [x]
        for layer in self._layers:
            weight, bias = parameters[f"{layer}.weight"], parameters[f"{layer}.bias"]
            values.append(torch.baddbmm(bias[:, None, :], values[-1], weight.mT))
            if layer != self._layers[-1]:
                values[-1].relu_()
        return values

    def _backward(self, parameters: dict[str, Tensor], inputs: list[Tensor], error: Tensor) -> dict[str, Tensor]:
        gradients: dict[str, Tensor] = {}
        for layer, entered in zip(reversed(self._layers), reversed(inputs), strict=True):
            gradients[f"{layer}.weight"] = torch.bmm(error.mT, entered)
            gradients[f"{layer}.bias"] = error.sum(dim=1)
            if layer != self._layers[0]:
                error = torch.bmm(error, parameters[f"{layer}.weight"]).mul_(entered > 0)
        return gradients
