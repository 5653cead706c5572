"""The figures' own arithmetic, and that every letter names a benchmark."""

import importlib

import pytest

from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.measurement import Labels

LABELS = Labels("x", "s", "the rival", "nothing")


def test_ratio_is_of_each_pair_and_not_of_the_medians() -> None:
    comparison = LABELS.of("case", [1.0, 8.0, 3.0], [2.0, 4.0, 3.0])
    assert comparison.ratios == (0.5, 1.0, 2.0)
    assert comparison.plain()["ratio"] == {"min": 0.5, "median": 1.0, "max": 2.0}
    assert comparison.row() == ["x", "case", "3 s", "3", "1.000 (0.500-2.000)"]


def test_pairs_take_turns_in_going_first_and_the_warm_run_is_forgotten() -> None:
    calls: list[str] = []

    def sample(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    comparison = LABELS.compare("case", lambda: sample("ours"), lambda: sample("rival"), pairs=2)
    assert calls == ["rival", "ours", "rival", "ours", "ours", "rival"]
    assert (comparison.ours, comparison.rivals) == ((4.0, 5.0), (3.0, 6.0))


@pytest.mark.parametrize("letter", BENCHMARKS)
def test_every_letter_names_a_benchmark(letter: str) -> None:
    assert callable(importlib.import_module(f"tests.benchmarks.{BENCHMARKS[letter]}").run)
