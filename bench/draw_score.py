"""Draws the pictures of docs/what-the-score-says.md into docs/images: python -m bench.draw_score

Two laws and the region that tells them apart; four kinds of entry and their points on each set of examples.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import norm

from bench.bench_fools import SPEC, make_pool
from evaluator import score
from worker.report.svg import Scale, box, element, line, picture, text

FOLDER = Path("docs/images")
WIDTH, HEIGHT = 520, 150
ENTRIES = (
    ("retrained models", (0.0, 0.0, 0.0)),
    ("honest, drifted a little", (0.6, 0.5, 0.5)),
    ("nothing forgotten", (3.0, 0.0, 0.0)),
    ("a table of the answers", (0.1, 1.0, 1.0)),
)
SETS = ("forget", "test", "retain")


def draw_laws() -> str:
    """Confidence in one example, of models that saw it and of models that did not."""
    values = np.linspace(-4, 6, 201)
    across, up = Scale(-4, 6, 10, WIDTH - 10), Scale(0, 0.42, HEIGHT - 30, 12)
    cut = 1.5
    ours, theirs = norm(2.0, 1.0), norm(0.0, 1.0)

    def path(density: Callable[[float], float]) -> str:
        return "M" + "L".join(f"{across(x):.1f} {up(float(density(x))):.1f}" for x in values)

    return str(
        picture(
            WIDTH,
            HEIGHT,
            box(across(cut), 12, across(6) - across(cut), up(0) - 12, "region"),
            element("path", d=path(theirs.pdf), fill="none", stroke="#3b82c4", stroke_width=2),
            element("path", d=path(ours.pdf), fill="none", stroke="#d9772b", stroke_width=2),
            line(10, up(0), WIDTH - 10, up(0), "axis"),
            text("retrained models", across(0), 24, anchor="middle", look="soft"),
            text("unlearned models", across(2.6), 24, anchor="middle", look="soft"),
            text(
                f"here: {ours.sf(cut):.0%} of one kind, {theirs.sf(cut):.0%} of the other",
                across(6),
                HEIGHT - 10,
                anchor="end",
            ),
            title="Two laws of the confidence in one forget example, and the region where an attacker says: unlearned",
        )
    )


def draw_entries(replicas: int, examples: int) -> str:
    """F forget, F test and F retain of four simulated entries, and their scores."""
    scale = Scale(0, 1, 190, WIDTH - 60)
    rows: list[str] = []
    for place, (name, shifts) in enumerate(ENTRIES):
        found = measure(shifts, replicas, examples)
        top = 10 + 66 * place
        rows.append(text(name, 0, top + 26))
        for row, (label, value) in enumerate(zip(SETS, found[:3], strict=True)):
            rows += [
                text(label, 184, top + 11 + 17 * row, anchor="end", look="soft", size=10),
                box(scale(0), top + 17 * row, scale(value) - scale(0), 13, "lost" if label == "forget" else "earned"),
            ]
        rows.append(text(f"{found[3]:.2f}", WIDTH, top + 26, anchor="end"))
    title = "Points on forget, test and retain examples of four kinds of entry, and their scores on the right"
    return str(picture(WIDTH, 10 + 66 * len(ENTRIES), *rows, title=title))


def measure(shifts: Sequence[float], replicas: int, examples: int) -> tuple[float, float, float, float]:
    rng = np.random.default_rng(1)
    pools = [
        make_pool(*(shift + rng.normal(size=(replicas, examples)) for shift in part)) for part in (shifts, (0.0,) * 3)
    ]
    card = score(*pools, spec=SPEC, protocols=())
    found = card.likeness
    return (0.0, 0.0, 0.0, 0.0) if found is None else (found.forget, found.test, found.retain, card.score)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--replicas", type=int, default=256)
    parser.add_argument("--examples", type=int, default=128)
    args = parser.parse_args()
    for name, drawn in (("score-laws", draw_laws()), ("score-entries", draw_entries(args.replicas, args.examples))):
        (FOLDER / f"{name}.svg").write_text(lay_on_paper(drawn) + "\n")


def lay_on_paper(drawn: str) -> str:
    """An image has no page around it to take colours and letters from."""
    return drawn.replace("<svg ", '<svg font-family="sans-serif" ', 1).replace(
        "</title>", '</title><rect width="100%" height="100%" fill="#fff"/>', 1
    )


if __name__ == "__main__":
    main()
