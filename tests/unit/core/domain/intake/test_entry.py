import pytest

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.reading import read_submission
from core.domain.intake.report import ENTRY_FILE, Origin

GOOD = "def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"


def refuse(source: str | bytes, name: str = "mine.py") -> ParticipantFault:
    content = source.encode() if isinstance(source, str) else source
    with pytest.raises(ParticipantFault) as caught:
        read_submission(name, content)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def test_a_plain_file_runs_as_it_is() -> None:
    source = f"# my method\nimport torch\n\nLR = 0.1\ntorch.manual_seed(0)\n\n{GOOD}".encode()
    read = read_submission("mine.py", source)
    assert (read.files, read.origin, read.left_out) == ({ENTRY_FILE: source}, Origin.FILE, ())


@pytest.mark.parametrize(
    "source",
    [
        "def unlearning(a, b, c, d):\n    return a\n",
        "def unlearning(*args):\n    return args[0]\n",
        "def unlearning(net, *loaders, **options):\n    return net\n",
        "def unlearning(net, r, f, v, /):\n    return net\n",
        "def unlearning(net, r, f, v, epochs=3, *, lr=0.1):\n    return net\n",
        "def unlearning(net, r, f, v, device, seed, *, num_classes, budget_seconds):\n    return net\n",
        "unlearning = lambda net, r, f, v: net\n",
        "def mine(net, r, f, v):\n    return net\n\nunlearning = mine\n",
        "from functools import partial\n\nunlearning = partial(print)\n",
        "class unlearning:\n    def __init__(self, *args):\n        pass\n",
        "from functools import partial as unlearning\n",
        "FAST = 1\nif FAST:\n    def unlearning(n, r, f, v):\n        return n\nelse:\n    unlearning = None\n",
        "try:\n    import x\nexcept ImportError:\n    x = None\nfinally:\n    def unlearning(n, r, f, v): return n\n",
        "def unlearning(net):\n    return net\n\ndef unlearning(net, r, f, v):\n    return net\n",
        "import torch\n@torch.no_grad()\ndef unlearning(n, r, f, v):\n    def g():\n        yield 1\n    return n\n",
    ],
)
def test_what_can_be_called_with_four_arguments_is_accepted(source: str) -> None:
    assert read_submission("mine.py", source.encode()).files == {ENTRY_FILE: source.encode()}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def unlearning(net, retain_loader):\n    return net\n", "line 1: unlearning takes 2 positional"),
        ("\n\ndef unlearning(net, r, f, v, lr):\n    return net\n", "line 3: unlearning needs parameters"),
        ("def unlearning(net, r, f, v, *, lr):\n    return net\n", "nobody passes: lr"),
        ("def unlearning(net, *, r, f, v):\n    return net\n", "takes 1 positional"),
        ("def unlearning(net, r, f, v, seed, /):\n    return net\n", "positional-only"),
        ("async def unlearning(net, r, f, v):\n    return net\n", "async def"),
        ("def unlearning(net, r, f, v):\n    yield net\n", "generator"),
        ("unlearning = lambda net: net\n", "takes 1 positional"),
        (GOOD + "\ndef unlearning(net):\n    return net\n", "line 4: unlearning takes 1"),
    ],
)
def test_a_wrong_signature_names_the_line_and_the_reason(source: str, words: str) -> None:
    fault = refuse(source)
    assert fault.code is FaultCode.SIGNATURE_MISMATCH
    assert words in fault.message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1\n", "defines no function unlearning"),
        (
            "def unlearn(net, retain_loader, forget_loader, val_loader):\n    return net\n",
            "is unlearn (line 1) the one",
        ),
        ("class A:\n    def unlearning(self, a, b, c, d):\n        pass\n", "is a method of the class A"),
        ("unlearning = 3\n", "is a value"),
        ("", "is empty"),
        ("  \n\n", "is empty"),
    ],
)
def test_a_missing_function_is_named(source: str, words: str) -> None:
    fault = refuse(source)
    assert fault.code is FaultCode.ENTRYPOINT_MISSING
    assert words in fault.message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (GOOD + "def broken(:\n", "line 3, column 12: invalid syntax"),
        (GOOD + "return 3\n", "line 3, column 1: 'return' outside function"),
        (b"\x93NUMPY\x00\x01", "null bytes"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"\x80\x04\x95pickle", "a pickle"),
        ("# caf\u00e9\n".encode("latin-1") + GOOD.encode(), "line 1: byte 0xe9 is not UTF-8"),
        (GOOD.encode("utf-16"), "UTF-16"),
        ("x = " + "(" * 300 + ")" * 300 + "\n" + GOOD, "too many nested parentheses"),
        ("x = a" + ".b" * 20000 + "\n" + GOOD, "too deeply"),
        ("Dear all,\nplease find my method attached.\n", "line 1"),
    ],
)
def test_what_is_not_python_names_the_line(source: str | bytes, words: str) -> None:
    fault = refuse(source)
    assert fault.code is FaultCode.SYNTAX_ERROR
    assert words in fault.message


def test_a_byte_order_mark_and_dos_lines_are_fine() -> None:
    source = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    assert read_submission("mine.PY", source).files[ENTRY_FILE] == source[3:]


def test_a_large_file_is_refused_before_it_is_read() -> None:
    fault = refuse(b"#" * (50 << 20))
    assert fault.code is FaultCode.TOO_LARGE
    assert "52428800 bytes" in fault.message


def test_a_file_with_too_much_code_is_refused_before_it_is_parsed() -> None:
    assert refuse("x = 1\n" * 60_000 + GOOD).code is FaultCode.TOO_LARGE


@pytest.mark.parametrize("name", ["weights.pth", "mine.tar.gz", "mine", "mine.txt"])
def test_other_kinds_of_file_are_refused_by_name(name: str) -> None:
    fault = refuse(GOOD, name)
    assert fault.code is FaultCode.ARCHIVE_INVALID
    assert name in fault.message


def test_foreign_text_in_a_message_is_cut_and_printable() -> None:
    fault = refuse(GOOD, "a\x1b[31m" + "b" * 300 + ".exe")
    assert fault.message.isprintable()
    assert len(fault.message) < 250


@pytest.mark.parametrize(
    "parameters", ["retain_loader, net, forget_loader, val_loader", "retain, forget, val, model, lr=0.1"]
)
def test_a_network_among_the_loaders_is_refused(parameters: str) -> None:
    fault = refuse(f"def unlearning({parameters}):\n    return None\n")
    assert fault.code is FaultCode.SIGNATURE_MISMATCH
    assert "The order is net, retain_loader, forget_loader, val_loader" in fault.message


@pytest.mark.parametrize("parameters", ["a, b, c, d", "x, net, r, f", "model, retain_loader, net_loader, v", "*all"])
def test_names_that_leave_a_doubt_are_nobodys_business(parameters: str) -> None:
    read_submission("mine.py", f"def unlearning({parameters}):\n    return None\n".encode())


def test_loaders_named_in_another_order_are_doubted() -> None:
    read = read_submission("mine.py", b"def unlearning(net, forget_loader, retain_loader, val):\n    return net\n")
    assert read.warnings[0] == "parameter 2 is the retain loader, but it is named forget_loader"


def test_a_package_that_the_sandbox_lacks_is_refused_with_what_there_is() -> None:
    fault = refuse("import numpy, einops\n" + GOOD)
    assert fault.code is FaultCode.IMPORT_MISSING
    assert "mine.py, line 1: einops is not in the sandbox" in fault.message
    assert "torch 2" in fault.message


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_cuda_is_answered_whatever_ends_a_line(end: str) -> None:
    source = f"import torch{end}{end}def unlearning(net, r, f, v):{end}    return net.cuda(){end}"
    read = read_submission("mine.py", source.encode())
    assert read.files[ENTRY_FILE].decode().split("\n")[3].rstrip() == "    return net.to(LACUNA_DEVICE)"


def test_cuda_in_a_plain_file_is_answered_and_every_line_keeps_its_number() -> None:
    source = "'''Mine.'''\nimport torch\n\ndef unlearning(net, r, f, v):\n    return net.cuda()\n"
    read = read_submission("mine.py", source.encode())
    assert [str(note) for note in read.changed] == [
        "mine.py, line 5: return net.cuda()  [now: return net.to(LACUNA_DEVICE)]"
    ]
    before, after = source.split("\n"), read.files[ENTRY_FILE].decode().split("\n")
    assert [place for place, line in enumerate(before) if after[place] != line] == [1, 4]
    assert after[1].endswith("; import torch")
    assert len(after) == len(before)
