"""Branch coverage by folder, as Markdown: `bash tests/run.sh --coverage`."""

import json
import sys
from collections import Counter
from pathlib import PurePosixPath


def by_folder(report: dict[str, dict[str, dict[str, dict[str, int]]]]) -> dict[str, float]:
    """Percent of lines and branches that ran, of each folder of coverage's JSON report."""
    covered: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for file, content in report["files"].items():
        summary, folder = content["summary"], str(PurePosixPath(file).parent)
        covered[folder] += summary["covered_lines"] + summary["covered_branches"]
        total[folder] += summary["num_statements"] + summary["num_branches"]
    return {folder: 100 * covered[folder] / total[folder] for folder in sorted(total) if total[folder]}


if __name__ == "__main__":
    print("| folder | branch coverage, % |\n|---|---|")  # noqa: T201
    with open(sys.argv[1], encoding="utf-8") as file:
        for folder, percent in by_folder(json.load(file)).items():
            print(f"| `{folder}` | {percent:.1f} |")  # noqa: T201
