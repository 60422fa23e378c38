"""Texts: what is read of WordNet, and networks for which what fills a text up does not exist."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sandbox.problems.errors import DataDamaged, DataMissing
from sandbox.problems.text_bag import model as bag
from sandbox.problems.text_transformer import model as transformer
from sandbox.problems.wordnet import data as wordnet
from tests.tiny_problems import write_glosses

NETWORKS = [bag.build, transformer.build]
NAMES = ["bag", "transformer"]


def test_a_gloss_becomes_tokens_without_its_examples(tmp_path: Path) -> None:
    line = '00000001 05 n 01 dog 0 001 @ 00000002 n 0000 | A small, small DOG; "the dog barked"  \n'
    (tmp_path / "data.noun").write_text(line + line.replace("05 n", "04 n").replace("DOG", "deed"))
    raw = wordnet.load(tmp_path, topics=[4, 5], vocabulary=5, length=6)
    assert raw.input_names == ("<padding>", "<unknown>", "small", "a", "deed")  # by count, then by the alphabet
    assert raw.train_x.tolist() == [[3, 2, 2, 1, 0, 0], [3, 2, 2, 4, 0, 0]]
    assert raw.train_y.tolist() == [1, 0]
    assert raw.class_names == ("act", "animal")


def test_only_the_topics_that_are_asked_for_are_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="topics"):
        wordnet.load(write_glosses(tmp_path), topics=[4, 29])
    assert len(wordnet.load(tmp_path, topics=[4, 28]).train_y) == 30


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="wordnet-base"):
        wordnet.load(tmp_path)
    (tmp_path / "data.noun").write_text("00000001 05 v 01 run 0 000 | to move\n")
    with pytest.raises(DataDamaged, match="1 of its 1 lines"):
        wordnet.load(tmp_path)


@pytest.mark.parametrize("build", NETWORKS, ids=NAMES)
def test_what_fills_a_text_up_changes_nothing(build: Any) -> None:
    torch.manual_seed(0)
    network: nn.Module = build(3, (6,), vocabulary=9).eval()
    tokens = torch.tensor([[4, 2, 7, 0, 0, 0], [5, 0, 0, 0, 0, 0]])
    before = network(tokens)
    embedding = next(module for module in network.modules() if isinstance(module, nn.Embedding))
    with torch.no_grad():
        embedding.weight[0] = 100.0
    torch.testing.assert_close(network(tokens), before)
    assert before.shape == (2, 3)


@pytest.mark.parametrize("build", NETWORKS, ids=NAMES)
def test_an_empty_text_has_finite_logits_and_gradients(build: Any) -> None:
    network: nn.Module = build(3, (4,), vocabulary=9)
    network(torch.zeros(2, 4, dtype=torch.int64)).sum().backward()
    assert all(value.grad is None or bool(value.grad.isfinite().all()) for value in network.parameters())


@pytest.mark.parametrize("build", NETWORKS, ids=NAMES)
def test_a_network_for_texts_refuses_images(build: Any) -> None:
    with pytest.raises(ValueError, match="texts are rows"):
        build(3, (1, 4, 4), vocabulary=9)


def test_places_matter_to_a_transformer_and_not_to_a_bag() -> None:
    torch.manual_seed(0)
    tokens, turned = torch.tensor([[1, 2, 3]]), torch.tensor([[3, 2, 1]])
    counted, attended = (build(2, (3,), vocabulary=4).eval() for build in NETWORKS)
    torch.testing.assert_close(counted(tokens), counted(turned))
    assert not torch.allclose(attended(tokens), attended(turned))
