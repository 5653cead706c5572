"""The results of the study: one JSON object a line, one line a result, appended as they come.

Each line says what was run (`run`: row, seed, rollouts, flags, images, setting), where (`commit`, `machine`,
`seconds`), how it went (`course`: step, mean reward, shares of categories; `steps`, `rollouts`) and what came of it
(`domains`: counts of categories; `figures`: the metrics of each domain, and of each group of domains their means).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recipes.study.rows import Run
from recipes.study.world import DOMAINS, Group
from speciarl_verl.errors import InputError
from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import AverageMetrics, Metrics, average_metrics, compute_metrics


def read_results(path: Path) -> list[dict[str, Any]]:
    """All lines; none if there is no file.

    Raises:
        InputError: a line is no JSON object.
    """
    if not path.exists():
        return []
    results = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            result = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{number}: not JSON ({error.msg}): delete the line, it is run again") from error
        results.append(result)
    return results


def append_results(path: Path, results: Sequence[Mapping[str, Any]]) -> None:
    """Add lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(result) + "\n" for result in results))


def is_done(run: Run, results: Sequence[Mapping[str, Any]]) -> bool:
    """Whether this very run has a result: same row, seed, flags and setting."""
    wanted = run.as_json()
    return any(all(result["run"].get(key) == value for key, value in wanted.items()) for result in results)


def metrics_of(counts: Mapping[str, int]) -> Metrics:
    """Metrics from counts by the symbols of categories."""
    return compute_metrics(category for category in Category for _ in range(counts[category.symbol]))


def figures(domains: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Specificity, correctness and HM of each domain and, as means over its domains, of each group."""
    of_domain = {name: metrics_of(found["counts"]) for name, found in domains.items()}
    shown: dict[str, dict[str, float]] = {name: _rounded(metrics) for name, metrics in of_domain.items()}
    for group in Group:
        members = [of_domain[domain.name] for domain in DOMAINS if domain.group is group]
        shown[group.value] = _rounded(average_metrics(members))
    return shown


def _rounded(metrics: Metrics | AverageMetrics) -> dict[str, float]:
    return {name: round(getattr(metrics, name), 4) for name in ("hm", "specificity", "correctness")}
