"""Print a leaderboard as the README's table: lacuna leaderboard digits --json | python -m bench.print_board"""

import json
import sys
from typing import Any


def main() -> None:
    board = json.load(sys.stdin)
    print("| entry | score | F forget / test / retain | 2023 | UA | RA | TA | relative runtime | |")
    print("|---|---|---|---|---|---|---|---|---|")
    for entry in board["entries"]:
        print(format_entry(entry))
    ceiling = board["ceiling"]
    score = format_score(ceiling["estimate"], ceiling["low"], ceiling["high"])
    measured = f"*{score}* | {format_likeness(ceiling)} | *{ceiling['neurips2023']:.3f}*"
    print(f"| *ceiling: retrained against retrained* | {measured} | | | | | |")


def format_entry(entry: dict[str, Any]) -> str:
    if entry["score"] is None:
        score, likeness, protocol_2023, accuracies = "–", "–", "–", "– | – | –"
    else:
        score = format_score(entry["score"], entry["score_low"], entry["score_high"])
        likeness = format_likeness(entry)
        protocol_2023 = f"{entry['neurips2023']:.3f}"
        values = (entry["unlearning_accuracy"], entry["retain_accuracy"], entry["test_accuracy"])
        accuracies = " | ".join(f"{value:.1f}" for value in values)
    place = {"ranked": f"rank {entry['rank_label']}", "reference": "reference, unranked", "over_budget": "over budget"}
    measured = f"{score} | {likeness} | {protocol_2023} | {accuracies} | {format_runtime(entry)}"
    return f"| `{entry['name']}` | {measured} | {place[entry['place']]} |"


def format_likeness(found: dict[str, Any]) -> str:
    """A dash where the metric version looks at forget examples alone."""
    values = [found[f"{part}_quality"] for part in ("forgetting", "test", "retain")]
    return " / ".join("–" if value is None else f"{value:.2f}" for value in values)


def format_runtime(entry: dict[str, Any]) -> str:
    runtime = entry["relative_runtime"]
    half = max(runtime - entry["relative_runtime_low"], entry["relative_runtime_high"] - runtime)
    return f"{runtime:.1%} ± {half * 100:.1f}"


def format_score(estimate: float, low: float, high: float) -> str:
    return f"{estimate:.3f} ± {max(estimate - low, high - estimate):.3f}"


if __name__ == "__main__":
    main()
