import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from core.domain.intake.reading import read_submission
from core.starter import STARTER

Run = Callable[..., Any]


@pytest.mark.parametrize(("options", "name"), [((), "submission.py"), (("--notebook",), "submission.ipynb")])
def test_what_is_written_is_a_submission(run: Run, tmp_path: Path, options: tuple[str, ...], name: str) -> None:
    assert run("init", tmp_path / "mine", *options).exit_code == 0
    content = (tmp_path / "mine" / name).read_bytes()
    files = read_submission(name, content, limit_bytes=1 << 20).files
    assert b"def unlearning(" in files["submission.py"]


def test_somebodys_work_is_never_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "submission.py").write_text("mine")
    result = run("init", tmp_path)
    assert result.exit_code != 0
    assert "is there already" in result.output
    assert (tmp_path / "submission.py").read_text() == "mine"


def test_the_notebook_is_of_the_format_it_names(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path, "--notebook")
    notebook = json.loads((tmp_path / "submission.ipynb").read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert [cell["cell_type"] for cell in notebook["cells"]] == ["markdown", "code"]


def test_the_starter_learns_to_keep_and_ends_elsewhere_each_time() -> None:
    names: dict[str, Any] = {}
    exec(compile(STARTER.read_text(), "submission.py", "exec"), names)
    x = torch.randn(64, 4)
    y = (x[:, 0] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=16)
    results = []
    for seed in (1, 2):
        torch.manual_seed(0)
        net = torch.nn.Linear(4, 2)
        torch.manual_seed(seed)
        net = names["unlearning"](net, loader, loader, loader)
        assert (net(x).argmax(dim=1) == y).float().mean() > 0.8
        results.append(net.weight.detach().clone())
    assert not torch.equal(*results)
