"""Whole submissions of their own: how they are found, called and stopped, in the sandbox without a daemon."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load, save

from core.problem_parts import BatchFormat
from sandbox.contract import Outcome
from tests.integration.sandbox.runs import DOCKER, LIMITS, make_request, make_sandbox, read_cases, run_one
from worker.runner.base import ReplicaOrder, ReplicaResult

HEAD = "def unlearning(net, retain_loader, forget_loader, val_loader{more}):\n    {body}\n"


@pytest.mark.parametrize(
    ("code", "outcome", "word"),
    [
        ("def unlearning(:\n", Outcome.SYNTAX_ERROR, "SyntaxError"),
        ("x = 1\n", Outcome.ENTRYPOINT_MISSING, "unlearning"),
        ("unlearning = 3\n", Outcome.ENTRYPOINT_MISSING, "unlearning"),
        ("import no_such_library\n", Outcome.IMPORT_FAILED, "no_such_library"),
        ("raise SystemExit\n", Outcome.OUTPUT_MISSING, "SystemExit"),
        ("def unlearning(net, retain_loader):\n    pass\n", Outcome.SIGNATURE_MISMATCH, "2 arguments"),
        (HEAD.format(more=", teacher", body="pass"), Outcome.SIGNATURE_MISMATCH, "teacher"),
        (b"\xff\xfe\x00", Outcome.SYNTAX_ERROR, ""),
    ],
)
def test_a_submission_that_cannot_be_called_says_why(code: str | bytes, outcome: Outcome, word: str) -> None:
    (result,) = run_one("process", code)
    assert result.outcome is outcome
    assert word in result.error


def test_no_entry_file_is_a_missing_entry_point() -> None:
    (result,) = run_one("process", b"", files={"other.py": b"x = 1"})
    assert result.outcome is Outcome.ENTRYPOINT_MISSING


def test_a_file_that_cannot_be_written_is_its_authors_fault() -> None:
    code = HEAD.format(more="", body="pass").encode()
    (result,) = run_one("process", b"", files={"submission.py": code, "\u4e00" * 200 + ".txt": b"x"})
    assert result.outcome is Outcome.IMPORT_FAILED
    assert "cannot be written" in result.error


def test_further_arguments_come_by_name_and_prepare_comes_first() -> None:
    (result,) = run_one("bubblewrap", read_cases()["options"])
    assert result.outcome is Outcome.OK
    assert json.loads(result.log) == [[192], 10, 7, "cpu", 1.5]


def test_files_beside_the_entry_file_can_be_imported_and_opened() -> None:
    code = "import extra.part\n" + HEAD.format(more="", body="print(extra.part.VALUE, open('notes.txt').read())")
    files = {"submission.py": code.encode(), "extra/part.py": b"VALUE = 5\n", "notes.txt": b"hello"}
    (result,) = run_one("bubblewrap", b"", files=files)
    assert result.log == "5 hello\n"


def test_a_constant_seed_in_the_module_does_not_make_replicas_equal() -> None:
    code = "import torch\ntorch.manual_seed(0)\n" + HEAD.format(
        more="", body="net.fc.weight.data += torch.randn_like(net.fc.weight)"
    )
    first, second = run_one("process", code, seeds=(1, 2))
    assert first.weights != second.weights


def test_batches_may_be_mappings_as_in_2023() -> None:
    body = "print(sorted(next(iter(retain_loader))), next(iter(val_loader))['image_id'][:2])"
    (result,) = run_one("process", HEAD.format(more="", body=body), batch_format=BatchFormat.MAPPING)
    assert result.log == "['age', 'age_group', 'image', 'image_id', 'person_id'] ['0-256', '0-257']\n"


READ_INPUT = HEAD.format(
    more="",
    body="""
    root = '/kaggle/input/neurips-2023-machine-unlearning'
    lines = open(f'{root}/forget.csv').read().split()
    part, number = lines[1].split(',')[0].split('-')
    try:
        open(f'{root}/forget.csv', 'w')
    except OSError as error:
        print(type(error).__name__)
    same = os.path.samefile(root, '../input/neurips-2023-machine-unlearning')
    net.load_state_dict(torch.load(f'{root}/original_model.pth'))
    print(len(lines), same, read_image(f'{root}/images/{part}/{number}.png').shape[0])
""",
)


@pytest.mark.parametrize("backend", ["bubblewrap", DOCKER])
def test_the_folder_of_2023_is_there_for_each_replica_and_cannot_be_written(backend: str) -> None:
    code = "import os\nimport torch\nfrom torchvision.io import read_image\n" + READ_INPUT
    request = make_request({"submission.py": code.encode()}, (ReplicaOrder(0, 1), ReplicaOrder(1, 2)))
    sizes = {"retain": 6, "forget": 3, "validation": 2}
    splits = {f"{name}_x": torch.full((size, 3, 4, 4), 7.0) for name, size in sizes.items()}
    splits |= {f"{name}_y": torch.arange(size) for name, size in sizes.items()}
    request = dataclasses.replace(
        request, splits=save(splits), batch_format=BatchFormat.MAPPING, hosted_input=True, allow_native=True
    )
    taken: list[ReplicaResult] = []
    make_sandbox(backend).run(request, on_replica=lambda result: taken.append(result) or True)
    assert [(result.outcome, result.error, result.log) for result in taken] == [
        (Outcome.OK, "", "PermissionError\n4 True 3\n")
    ] * 2


def test_where_the_folder_of_2023_is_not_the_error_says_so() -> None:
    body = "open('/kaggle/input/neurips-2023-machine-unlearning/retain.csv')"
    (result,) = run_one("bubblewrap", HEAD.format(more="", body=body))
    assert result.outcome is Outcome.EXCEPTION
    assert "practice problems of that shape" in result.error


def test_the_caller_may_stop_early() -> None:
    taken: list[ReplicaResult] = []

    def take(result: ReplicaResult) -> bool:
        taken.append(result)
        return len(taken) < 2

    request = make_request({"submission.py": read_cases()["honest"]}, tuple(ReplicaOrder(i, i) for i in range(5)))
    result = make_sandbox("process").run(request, on_replica=take)
    assert (result.stopped, result.delivered, len(taken)) == (True, 2, 2)


def test_a_failing_caller_ends_the_run_and_the_box() -> None:
    def take(_result: ReplicaResult) -> bool:
        raise LookupError("the database is gone")

    request = make_request({"submission.py": read_cases()["honest"]}, (ReplicaOrder(0, 0), ReplicaOrder(1, 1)))
    with pytest.raises(LookupError, match="the database is gone"):
        make_sandbox("process").run(request, on_replica=take)


def test_a_network_that_cannot_be_built_is_the_platforms_fault() -> None:
    request = make_request({"submission.py": read_cases()["honest"]}, (ReplicaOrder(0, 0),))
    request = dataclasses.replace(request, network=dataclasses.replace(request.network, package="no_such_network"))
    result = make_sandbox("process").run(request, on_replica=lambda _: True)
    assert result.delivered == 0
    assert "no_such_network" in result.sandbox_error
    assert "\n" not in result.sandbox_error


def test_each_replica_starts_from_the_original_it_is_told() -> None:
    request = make_request(
        {"submission.py": HEAD.format(more="", body="pass").encode()}, (ReplicaOrder(0, 0, 1), ReplicaOrder(1, 0, 0))
    )
    doubled = {name: value * 2 for name, value in load(request.originals[0]).items()}
    request = dataclasses.replace(request, originals=(request.originals[0], save(doubled)))
    taken: list[ReplicaResult] = []
    make_sandbox("process").run(request, on_replica=lambda replica: taken.append(replica) is None)
    assert [_bias(replica) for replica in taken] == [doubled["fc.bias"].tolist(), (doubled["fc.bias"] / 2).tolist()]


def test_a_result_over_the_size_limit_is_refused() -> None:
    limits = dataclasses.replace(LIMITS, output_bytes=1000)
    (result,) = run_one("process", HEAD.format(more="", body="pass"), limits=limits)
    assert result.outcome is Outcome.OUTPUT_LIMIT


def test_time_spent_while_importing_counts() -> None:
    limits = dataclasses.replace(LIMITS, wall_seconds=1.0)
    (result,) = run_one("process", "import time\ntime.sleep(60)\n", limits=limits)
    assert result.outcome is Outcome.TIME_LIMIT


def test_frames_of_odd_types_are_their_senders_fault_and_cost_no_box() -> None:
    results = run_one("bubblewrap", read_cases()["forges_types"], seeds=tuple(range(10)))
    assert {result.outcome for result in results} == {Outcome.OUTPUT_MISSING}


def _bias(replica: ReplicaResult) -> list[float]:
    assert replica.weights is not None
    return list(load(replica.weights)["fc.bias"].tolist())
