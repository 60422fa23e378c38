"""What surely runs: the ground on which a file is refused before it counts."""

import ast

import pytest

from core.domain.intake.asked import find_imports
from core.domain.intake.certain import walk


def find_certain(source: str) -> list[str]:
    tree = ast.parse(source)
    found = find_imports(tree, walk(tree, ("unlearning",)))
    return [asked.module for asked in found if asked.place.is_certain and not asked.is_guarded]


def find_all(source: str) -> list[str]:
    tree = ast.parse(source)
    return [asked.module for asked in find_imports(tree, walk(tree, ("unlearning",)))]


@pytest.mark.parametrize(
    "source",
    [
        "import a",
        "while True:\n    import a\n    break",
        "for _ in range(3):\n    import a",
        "with open('x'):\n    import a",
        "try:\n    pass\nfinally:\n    import a",
        "ON = True\nif not ON:\n    pass\nelse:\n    import a",
        "def f():\n    import a\nx = [f()]",
        "def deco(g):\n    import a\n    return g\n@deco\ndef h():\n    pass",
        "def unlearning(n, r, f, v):\n    for x in r:\n        if x:\n            break\n    import a",
        "def step():\n    import a\ndef unlearning(n, r, f, v):\n    return step()",
        "try:\n    import a\nexcept ImportError:\n    raise RuntimeError('no a')",
        "if x:\n    raise ValueError\nimport a",
    ],
)
def test_it_surely_runs(source: str) -> None:
    assert find_certain(source) == ["a"]


@pytest.mark.parametrize(
    "source",
    [
        "if x:\n    import a",
        "while x:\n    import a",
        "for _ in x:\n    import a",
        "x = y and __import__('a')",
        "x = [__import__('a') for _ in y]",
        "def f():\n    import a",
        "def f():\n    import a\nf = g\nf()",
        "class A:\n    def f(self):\n        import a",
        "def unlearning(n, r, f, v):\n    if not r:\n        return n\n    import a",
        "def unlearning(n, r, f, v):\n    for x in [1]:\n        if r:\n            continue\n        import a",
        "ON = True\ndef unlearning(ON, r, f, v):\n    if ON:\n        import a",
        "import sys\nif x:\n    sys.exit()\nimport a",
        "match x:\n    case 1:\n        import a",
        "try:\n    pass\nexcept ValueError:\n    import a",
    ],
)
def test_it_may_not_run(source: str) -> None:
    assert "a" not in find_certain(source)
    assert "a" in find_all(source) or "__import__" in source


def test_a_long_chain_of_calls_is_followed_for_a_while() -> None:
    chain = "".join(f"def g{i}():\n    g{i + 1}()\n" for i in range(500)) + "def g500():\n    import a\ng0()\n"
    assert find_certain(chain) == []
    assert find_all(chain) == ["a"]
