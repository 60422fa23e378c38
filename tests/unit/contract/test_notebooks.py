"""Notebooks as people publish them, run through the reader and the sandbox."""

import pytest

from tests.unit.contract.runs import are_equal, load_unlearned, make_mappings

RUNNABLE = [
    "kaggle_finetune.ipynb",
    "noise_finetune.ipynb",
    "reinit_distill.ipynb",
    "layer_dropout.ipynb",
    "class_weights_with_default.ipynb",
    "writes_its_submission.ipynb",
    "exported_script.py",
]


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_published_notebook_runs_unchanged(name: str) -> None:
    load_unlearned(f"notebooks/{name}", make_mappings())


@pytest.mark.parametrize("name", ["noise_finetune.ipynb", "layer_dropout.ipynb"])
def test_a_notebook_that_seeds_itself_still_gives_different_networks(name: str) -> None:
    first, second = load_unlearned(f"notebooks/{name}", make_mappings())
    assert not are_equal(first, second)
