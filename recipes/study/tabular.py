"""The method without a network: ten kinds of images, a table of logits for each, GRPO on groups of N.

    python -m recipes.study.tabular

An answer names a species, a family, the root, or nothing. A species is right with probability r, a family with a higher
one, the root always; siblings guess independently. Trained is every kind's table by itself, so nothing generalises, and
what comes out is what the reward asks for. Printed is the HM of the greedy answers, as expected from r.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import numpy.typing as npt
import typer

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WORLDS: Mapping[str, Floats] = {
    "hard": np.linspace(0.05, 0.95, 10),
    "mid": np.array([0.1, 0.25, 0.4, 0.55, 0.7, 0.82, 0.86, 0.9, 0.94, 0.98]),
    "easy": np.array([0.05] * 3 + [0.99] * 7),
}
"""r of each kind of image."""

_SPECIES, _FAMILY, _ROOT, _NOTHING = range(4)
_WRONG, _ABSTAIN, _GENERIC, _LESS, _SPECIFIC = range(5)
_CATEGORY_IF_RIGHT = np.array([_SPECIFIC, _LESS, _GENERIC, _ABSTAIN])
_START = np.log([0.4, 0.25, 0.3, 0.05])


def probabilities(world: str) -> Floats:
    """That each answer is right, `(kinds, answers)`; a family is wrong 0.28 times as often as a species."""
    r = WORLDS[world]
    certain = np.ones_like(r)
    return np.stack([r, 1 - 0.28 * (1 - r), certain, certain], axis=1)


def harmonic_mean(world: str, answers: Ints) -> float:
    """Expected HM of one answer for each kind of image."""
    right = np.take_along_axis(probabilities(world), answers[:, None], axis=1)[:, 0]
    correctness = right.mean()
    specificity = (right * _CATEGORY_IF_RIGHT[answers]).sum() / right.sum() / _SPECIFIC
    return float(2 * specificity * correctness / (specificity + correctness))


def best_possible(world: str) -> float:
    """The HM of the best choice of answers, found as in `oracle`."""
    right = probabilities(world)[:, :_NOTHING]
    scores = _CATEGORY_IF_RIGHT[:_NOTHING]
    weights = np.linspace(-1.99, 20.0, 2000)
    return max(harmonic_mean(world, (right * (scores + weight)).argmax(axis=1)) for weight in weights)


Reward = Callable[[Ints], Floats]
"""From the categories of groups, `(groups, N)`, to their rewards."""


def dynamic(reliability: float = 0.0, support: int | float = 1) -> Reward:
    """The dynamic rule, with credit `reliability` below the bar, and a bar that `support` of the group reach."""

    def reward(categories: Ints) -> Floats:
        n = categories.shape[1]
        needed = max(1, support if isinstance(support, int) else int(np.ceil(support * n - 1e-9)))
        # The best category that `needed` of the group reach is the `needed`-th best.
        bar = np.maximum(np.sort(categories, axis=1)[:, n - min(needed, n)], _ABSTAIN)[:, None]
        honest = (categories == _GENERIC) | (categories == _LESS)
        return np.where(categories >= bar, 1.0, np.where(honest, reliability, 0.0))

    return reward


def static(table: tuple[float, float, float, float, float]) -> Reward:
    """A reward for each of W, A, G, S-, S."""
    values = np.array(table)
    return lambda categories: values[categories]


@dataclass(frozen=True)
class Rule:
    """A reward, and whether advantages are divided by the group's deviation (undivided ones are several times less)."""

    reward: Reward
    by_deviation: bool = True


@dataclass(frozen=True)
class Training:
    """How a table is trained."""

    n: int = 8
    steps: int = 600
    groups: int = 16
    rate: float = 0.1


def train(world: str, rule: Rule, training: Training, seed: int) -> Ints:
    """The greedy answers after GRPO, one for each kind of image."""
    chance = np.random.default_rng(seed)
    right = probabilities(world)
    kinds, answers = right.shape
    logits = np.tile(_START, (kinds, 1))
    rows = np.arange(kinds).repeat(training.groups)
    rate = training.rate * (1 if rule.by_deviation else 4)
    for _ in range(training.steps):
        policy = np.exp(logits - logits.max(axis=1, keepdims=True))
        policy /= policy.sum(axis=1, keepdims=True)
        drawn = chance.random((len(rows), training.n, 1))
        said = np.minimum((policy.cumsum(axis=1)[rows, None] < drawn).sum(axis=-1), answers - 1)
        is_right = chance.random(said.shape) < right[rows[:, None], said]
        rewards = rule.reward(np.where(is_right, _CATEGORY_IF_RIGHT[said], _WRONG))
        advantage = rewards - rewards.mean(axis=1, keepdims=True)
        if rule.by_deviation:
            advantage /= rewards.std(axis=1, ddof=1, keepdims=True) + 1e-6
        pull = np.zeros_like(logits)
        np.add.at(pull, (rows[:, None], said), advantage)
        pull -= policy * pull.sum(axis=1, keepdims=True)
        logits += rate * pull / (training.groups * training.n)
    return logits.argmax(axis=1)


def hm_after_training(world: str, rule: Rule, training: Training, seeds: int = 2) -> float:
    """HM of the greedy answers at the end, mean over seeds."""
    return fmean(harmonic_mean(world, train(world, rule, training, seed)) for seed in range(seeds))


RULES: Mapping[str, Rule] = {
    "dynamic (the paper, t = 0)": Rule(dynamic()),
    "t = 1/2": Rule(dynamic(1 / 2)),
    "t = 2/3": Rule(dynamic(2 / 3)),
    "t = 2/3, no division by the deviation": Rule(dynamic(2 / 3), by_deviation=False),
    "floor": Rule(static((0, 0, 2 / 3, 2 / 3, 1))),
    "graded-1": Rule(static((0, 0.25, 0.5, 0.75, 1))),
    "binary": Rule(static((0, 0, 0, 0, 1))),
    "support 30%": Rule(dynamic(support=0.3)),
}


def main() -> None:
    """Print the table."""
    sizes = (4, 8, 16)
    typer.echo("| rule | " + " | ".join(f"{world} N={n}" for world in WORLDS for n in sizes) + " |")
    typer.echo("|---|" + "---|" * len(WORLDS) * len(sizes))
    best = " | ".join(f"{best_possible(world):.3f} | | " for world in WORLDS)
    typer.echo(f"| best possible | {best.rstrip()} |")
    for name, rule in RULES.items():
        cells = [hm_after_training(world, rule, Training(n=n)) for world in WORLDS for n in sizes]
        typer.echo(f"| {name} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |")


if __name__ == "__main__":
    typer.run(main)
