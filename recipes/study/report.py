"""Makes RESULTS.md and its plots from the JSONL alone.

    python -m recipes.study.report [--results FILE] [--out DIR]

What stands in RESULTS.md above the line `<!-- tables -->` is written by hand and kept; below it all is made anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Any

import typer

from recipes.quickstart.stage import run_stage
from recipes.study.contrasts import HELD_OUT, NAMED, by_seed, difference, further_seed
from recipes.study.plots import FEWEST_PICTURES, draw_all, named_by_certainty
from recipes.study.results import read_results
from recipes.study.rows import BASELINES
from recipes.study.run import RESULTS
from recipes.study.world import DOMAINS, Group
from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.statistics.intervals import Estimate, estimate_scores
from speciarl_verl.files import write_text
from speciarl_verl.method.category import Category

Result = Mapping[str, Any]

MARK = "<!-- tables -->"
_CAPTIONS = {
    "tradeoff": "Specificity against correctness; contours of HM; the star is the oracle.",
    "rollouts": "HM on the held-out domains against the number of rollouts: seeds and mean; dashed: without training.",
    "course": "Seed 0: HM of the sampled answers against steps and against rollouts.",
    "categories": "Seed 0: categories of the sampled answers over steps.",
    "certainty": "How often a kind is named, by how probable its best guess could be (fine-grained domains).",
    "known": f"How often what the untrained policy states is right; points of {FEWEST_PICTURES} pictures or more.",
}


def tables(results: Sequence[Result]) -> Iterator[str]:
    """The sections below the mark."""
    yield from ("## Main table", "", *main_table(results), "")
    yield from ("## How the policy stands before training", "", *calibration_table(results), "")
    yield from ("## The three contrasts", "", *contrast_table(results), "")
    yield from ("## Each domain", "", *domain_table(results), "")
    yield from ("## Of which pictures a kind is named", "", *certainty_table(results), "")
    yield from ("## What was run", "", *account(results))


def main_table(results: Sequence[Result]) -> Iterator[str]:
    """Specificity / correctness / HM for each group of domains, means over seeds; where one more seed should land."""
    groups = " | ".join(f"{group.value}: spec / corr / HM" for group in Group)
    yield f"| row | seeds | {groups} | held-out HM (sd) | a further seed (95%) |"
    yield "|---|---|" + "---|" * (len(Group) + 2)
    for name, found in _by_name(results):
        cells = [" / ".join(_mean(found, group.value, key) for key in _KEYS) for group in Group]
        held_out = list(by_seed(found, name).values())
        deviation = further = ""
        if len(held_out) > 1:
            low, high = further_seed(held_out)
            deviation, further = f" ({stdev(held_out):.3f})", f"{low:.3f} to {high:.3f}"
        yield f"| {name} | {len(found)} | " + " | ".join(cells) + f" | {fmean(held_out):.3f}{deviation} | {further} |"


def calibration_table(results: Sequence[Result]) -> Iterator[str]:
    """The untrained policies on the fine-grained domains beside the paper's model, with intervals over pictures."""
    yield "Fine-grained domains, pictures of all seeds, with 95% bootstrap intervals over pictures; the paper's beside."
    yield ""
    yield "| row | specificity | published | correctness | published |"
    yield "|---|---|---|---|---|"
    for name, (specificity, correctness) in _PUBLISHED.items():
        found = [result for result in results if result["name"] == name]
        if found:
            scores = estimate_scores([_pictures(found, domain) for domain in HELD_OUT[:3]])
            yield (
                f"| {name} | {_with_interval(scores.specificity)} | {specificity:.3f} "
                f"| {_with_interval(scores.correctness)} | {correctness:.3f} |"
            )


def contrast_table(results: Sequence[Result]) -> Iterator[str]:
    """The contrasts that were named beforehand."""
    yield "HM on the held-out domains, paired by seed, 95% intervals; `resolvable` would be found four times in five."
    yield ""
    yield "| | question | row | against | seeds | difference | interval | resolvable |"
    yield "|---|---|---|---|---|---|---|---|"
    for contrast in NAMED:
        found = difference(results, contrast)
        start = f"| {contrast.name} | {contrast.question} | {contrast.better} |"
        if found is None:
            yield f"{start} {' or '.join(contrast.others)} | not run yet | | | |"
            continue
        interval = f"{found.low:+.3f} to {found.high:+.3f}"
        yield f"{start} {found.against} | {found.seeds} | {found.mean:+.3f} | {interval} | {found.resolvable:.3f} |"


def domain_table(results: Sequence[Result]) -> Iterator[str]:
    """HM of each domain, means over seeds."""
    yield "| row | " + " | ".join(domain.name for domain in DOMAINS) + " |"
    yield "|---|" + "---|" * len(DOMAINS)
    for name, found in _by_name(results):
        yield f"| {name} | " + " | ".join(_mean(found, domain.name, "hm") for domain in DOMAINS) + " |"


def certainty_table(results: Sequence[Result]) -> Iterator[str]:
    """Shares of the fine-grained pictures of which a kind is named, and how often it is right."""
    yield "Fine-grained domains; by the probability that the best guess at the kind could have."
    yield ""
    tenths = range(10)
    yield "| row | " + " | ".join(f"{place / 10:.1f}" for place in tenths) + " | right when named |"
    yield "|---|" + "---|" * (len(tenths) + 1)
    for name, found in _by_name(results):
        if all("kinds" in result["domains"][domain.name] for result in found for domain in DOMAINS):
            shares = named_by_certainty(found, name)
            yield f"| {name} | " + " | ".join(f"{share:.2f}" for share in shares) + f" | {_right_when_named(found)} |"


def account(results: Sequence[Result]) -> Iterator[str]:
    """Counts, machines, commits, seconds."""
    trained = [result for result in results if result["run"]["row"] != BASELINES]
    yield (
        f"{len(results)} results, {len(trained)} of them trainings, on " + "; ".join(_values(results, "machine")) + "."
    )
    yield "Commits: " + ", ".join(_values(results, "commit")) + "."
    for n in sorted({result["run"]["n"] for result in trained}):
        seconds = [result["seconds"]["train"] for result in trained if result["run"]["n"] == n]
        steps = {result["steps"] for result in trained if result["run"]["n"] == n}
        rollouts = {result["rollouts"] for result in trained if result["run"]["n"] == n}
        yield (
            f"\nN = {n}: {len(seconds)} trainings of {_list(steps)} steps, {_list(rollouts)} rollouts, "
            f"{fmean(seconds):.0f} s on average."
        )


def report(results: Sequence[Result], by_hand: str, plots: Sequence[str]) -> str:
    """The whole text."""
    lines = [by_hand.rstrip(), "", MARK, "", *tables(results), "", "## Plots", ""]
    lines += [f"![{_CAPTIONS[name]}](plots/{name}.png)\n\n{_CAPTIONS[name]}\n" for name in plots]
    return "\n".join(lines).rstrip() + "\n"


# Specificity and correctness of Qwen2.5-VL-7B on the fine-grained sets. Source: arXiv 2603.03197.
_PUBLISHED = {"zero-shot": (0.742, 0.846), "be specific": (0.816, 0.832), "best-of-64": (0.889, 0.984)}
_KEYS = ("specificity", "correctness", "hm")


def _pictures(results: Sequence[Result], domain: str) -> list[tuple[Category]]:
    counts = [result["domains"][domain]["counts"] for result in results]
    return [(category,) for category in Category for _ in range(sum(found[category.symbol] for found in counts))]


def _with_interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _by_name(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    for name in dict.fromkeys(result["name"] for result in results):
        yield name, [result for result in results if result["name"] == name]


def _mean(results: Sequence[Result], group: str, key: str) -> str:
    return f"{fmean(result['figures'][group][key] for result in results):.3f}"


def _right_when_named(results: Sequence[Result]) -> str:
    bins = [b for result in results for name in HELD_OUT[:3] for b in result["domains"][name]["kinds"]]
    named = sum(b[1] for b in bins)
    return f"{sum(b[2] for b in bins) / named:.3f}" if named else "none named"


def _values(results: Sequence[Result], key: str) -> list[str]:
    return list(dict.fromkeys(result[key] for result in results))


def _list(values: set[int]) -> str:
    return " or ".join(f"{value:,}" for value in sorted(values))


def main(
    results: Annotated[Path, typer.Option(help="The study's JSONL.")] = RESULTS,
    out: Annotated[Path, typer.Option(help="Folder of RESULTS.md and plots/.")] = RESULTS.parent,
) -> None:
    """Write the report."""
    found = read_results(results)
    if not found:
        raise InputError(f"{results}: no results yet: run recipes/study.sh first")
    page = out / "RESULTS.md"
    by_hand = page.read_text(encoding="utf-8").split(MARK)[0] if page.exists() else "# Results of the study\n"
    write_text(page, report(found, by_hand, draw_all(found, out / "plots")))
    typer.echo(f"{page}: {len(found)} results")


if __name__ == "__main__":
    run_stage(main)
