"""A text as the mean of its words' vectors, and a perceptron on it; token 0 fills up and counts for nothing."""

import torch
from torch import Tensor, nn


class Bag(nn.Module):
    """(N, L) tokens to (N, width)."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)

    def forward(self, tokens: Tensor) -> Tensor:
        counts = (tokens != 0).unsqueeze(-1).to(self.embedding.weight.dtype)
        return torch.sum(self.embedding(tokens) * counts, dim=1) / counts.sum(dim=1).clamp(min=1)


def build(
    num_classes: int, input_shape: tuple[int, ...], vocabulary: int, width: int = 32, hidden: int = 64
) -> nn.Module:
    if len(input_shape) != 1:
        raise ValueError(f"texts are rows of tokens, not of the shape {input_shape}")
    return nn.Sequential(Bag(vocabulary, width), nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, num_classes))
