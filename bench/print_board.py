"""Print a leaderboard as the README's table: lacuna leaderboard digits --json | python -m bench.print_board"""

import json
import sys
from typing import Any


def main() -> None:
    board = json.load(sys.stdin)
    print("| entry | score (held_out) | 2023 | UA | RA | TA | relative runtime | |")
    print("|---|---|---|---|---|---|---|---|")
    for entry in board["entries"]:
        print(format_entry(entry))
    ceiling = board["ceiling"]
    score = format_score(ceiling["estimate"], ceiling["low"], ceiling["high"])
    print(f"| *ceiling: retrained against retrained* | *{score}* | *{ceiling['neurips2023']:.3f}* | | | | | |")


def format_entry(entry: dict[str, Any]) -> str:
    if entry["score"] is None:
        score, protocol_2023, accuracies = "–", "–", "– | – | –"
    else:
        score = format_score(entry["score"], entry["score_low"], entry["score_high"])
        protocol_2023 = f"{entry['neurips2023']:.3f}"
        values = (entry["unlearning_accuracy"], entry["retain_accuracy"], entry["test_accuracy"])
        accuracies = " | ".join(f"{value:.1f}" for value in values)
    place = {"ranked": f"rank {entry['rank_label']}", "reference": "reference, unranked", "over_budget": "over budget"}
    runtime = f"{entry['relative_runtime']:.1%}"
    return f"| `{entry['name']}` | {score} | {protocol_2023} | {accuracies} | {runtime} | {place[entry['place']]} |"


def format_score(estimate: float, low: float, high: float) -> str:
    return f"{estimate:.3f} ± {max(estimate - low, high - estimate):.3f}"


if __name__ == "__main__":
    main()
