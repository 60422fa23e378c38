"""The optimizers of recipes: torch's own for the plain loop, and the same steps in place for every other trainer."""

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from core.problem_parts import Optimizer, RecipePart
from worker.training.members import sgd_step

BETAS, EPSILON = (0.9, 0.999), 1e-8  # as torch and the papers have them


class Steps(Protocol):
    def step(self, gradients: Sequence[Tensor], *, learning_rate: float) -> None:
        """Change the parameters in place; gradients in their order."""


class SgdSteps:
    def __init__(self, parameters: Sequence[Tensor], recipe: RecipePart) -> None:
        self._parameters, self._recipe = list(parameters), recipe
        self._momenta = [torch.zeros_like(parameter) for parameter in parameters]

    def step(self, gradients: Sequence[Tensor], *, learning_rate: float) -> None:
        sgd_step(self._parameters, list(gradients), self._momenta, recipe=self._recipe, learning_rate=learning_rate)


class AdamSteps:
    """Adam, which adds the decay to the gradients, and AdamW, which takes it off the weights."""

    def __init__(self, parameters: Sequence[Tensor], recipe: RecipePart) -> None:
        self._parameters, self._decay = list(parameters), recipe.weight_decay
        self._is_decoupled = recipe.optimizer is Optimizer.ADAMW
        self._means = [torch.zeros_like(parameter) for parameter in parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in parameters]
        self._taken = 0

    def step(self, gradients: Sequence[Tensor], *, learning_rate: float) -> None:
        self._taken += 1
        gradients = list(gradients)
        if self._is_decoupled:
            torch._foreach_mul_(self._parameters, 1 - learning_rate * self._decay)
        elif self._decay:
            gradients = list(torch._foreach_add(gradients, self._parameters, alpha=self._decay))
        torch._foreach_lerp_(self._means, gradients, 1 - BETAS[0])
        torch._foreach_mul_(self._squares, BETAS[1])
        torch._foreach_addcmul_(self._squares, gradients, gradients, 1 - BETAS[1])
        scales = torch._foreach_sqrt(self._squares)
        torch._foreach_div_(scales, math.sqrt(1 - BETAS[1] ** self._taken))
        torch._foreach_add_(scales, EPSILON)
        torch._foreach_addcdiv_(self._parameters, self._means, scales, -learning_rate / (1 - BETAS[0] ** self._taken))


def make_steps(parameters: Sequence[Tensor], recipe: RecipePart) -> Steps:
    return (SgdSteps if recipe.optimizer is Optimizer.SGD else AdamSteps)(parameters, recipe)


def make_optimizer(network: nn.Module, recipe: RecipePart) -> torch.optim.Optimizer:
    """Torch's own, for the plain loop."""
    parameters, rate, decay = network.parameters(), recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer is Optimizer.SGD:
        return torch.optim.SGD(parameters, lr=rate, momentum=recipe.momentum, weight_decay=decay)
    kind = torch.optim.AdamW if recipe.optimizer is Optimizer.ADAMW else torch.optim.Adam
    return kind(parameters, lr=rate, betas=BETAS, eps=EPSILON, weight_decay=decay)
