"""A small transformer encoder: learned places, attention over the words there are, their mean to the classes."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """Attention and a perceptron, each on normalised values and added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """x: (N, L, width); seen: (N, 1, 1, L), whether a place has a word."""
        parts = self.queries_keys_values(self.norm1(x)).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        # by hand: torch's fused attention cannot train several members as one computation
        match = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
        mixed = torch.softmax(match.masked_fill(~seen, -torch.inf), dim=-1) @ values
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        result: Tensor = x + self.down(F.gelu(self.up(self.norm2(x))))
        return result


class Encoder(nn.Module):
    """(N, L) tokens to (N, classes); token 0 fills up, is not attended to and counts for nothing."""

    def __init__(self, classes: int, length: int, vocabulary: int, *, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.fc = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        there = tokens != 0
        x = self.words(tokens) + self.places.weight
        seen = (there | ~there.any(dim=1, keepdim=True))[:, None, None, :]  # an empty text attends to itself
        for block in self.blocks:
            x = block(x, seen)
        counts = there.unsqueeze(-1).to(x.dtype)
        logits: Tensor = self.fc((self.norm(x) * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1))
        return logits


def build(
    num_classes: int,
    input_shape: tuple[int, ...],
    vocabulary: int,
    width: int = 32,
    heads: int = 2,
    layers: int = 2,
) -> nn.Module:
    if len(input_shape) != 1:
        raise ValueError(f"texts are rows of tokens, not of the shape {input_shape}")
    if width % heads:
        raise ValueError(f"`width` {width} is not divisible by `heads` {heads}")
    return Encoder(num_classes, input_shape[0], vocabulary, width=width, heads=heads, layers=layers)
