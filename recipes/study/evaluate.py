"""Evaluates a policy on held-out pictures of all six domains.

    python -m recipes.study.evaluate --policy HF_DIR --taxonomy FILE --seed 0 --out after.json
    python -m recipes.study.evaluate --policy HF_DIR --taxonomy FILE --seed 0 --baselines --out baselines.json

The second form gives the results that need no training. Written is an object for each result, in it one for each
domain.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from transformers import AutoModelForImageTextToText, AutoProcessor

from recipes.quickstart.stage import run_stage
from recipes.study.answers import BEST_OF, GREEDY, Answerer, Sampling
from recipes.study.birds import held_out
from recipes.study.drawing import Pictures
from recipes.study.evidence import Evidence
from recipes.study.knowledge import ask, reliability
from recipes.study.oracle import RUNG_CATEGORIES, best_choice, of_pictures
from recipes.study.scoring import Scorer
from recipes.study.world import DOMAINS
from speciarl_verl.files import whole_file
from speciarl_verl.method.answer import extract_answer
from speciarl_verl.method.category import Category

CERTAINTY_BINS = 10


def evaluate(
    answerer: Answerer, scorer: Scorer, evidence: Evidence, pictures: Pictures, prompt: str, sampling: Sampling
) -> dict[str, Any]:
    """Figures of one domain: counts of categories (the best sample's of each picture), and what kinds were named of.

    `kinds` has one `[pictures, a kind named, rightly]` for each tenth of the certainty that the picture allows.
    """
    labels = evidence.labels()
    responses = answerer.respond(pictures, prompt, sampling)
    best = [
        max(zip(scorer.categories(said, [label] * len(said)), said, strict=True), key=lambda judged: judged[0])
        for said, label in zip(responses, labels, strict=True)
    ]
    categories = [category for category, _ in best]
    unparseable = sum(extract_answer(said).answer is None for _, said in best)
    return _counts(categories) | {
        "unparseable": unparseable,
        "kinds": _kinds(evidence, categories, [s for _, s in best]),
    }


def _counts(categories: Sequence[Category]) -> dict[str, Any]:
    counted = Counter(categories)
    return {"counts": {category.symbol: counted[category] for category in Category}}


def _kinds(evidence: Evidence, categories: Sequence[Category], responses: Sequence[str]) -> list[list[int]]:
    domain = evidence.domain
    named = np.array([(extract_answer(r).answer or "").split(" ")[0] in domain.kinds for r in responses])
    right = np.array([category >= Category.SPECIFIC for category in categories])
    certainty = evidence.posterior.max(axis=(1, 2))
    place = np.minimum((certainty * CERTAINTY_BINS).astype(int), CERTAINTY_BINS - 1)
    return [
        [int(within.sum()), int((within & named).sum()), int((within & right).sum())]
        for within in (place == b for b in range(CERTAINTY_BINS))
    ]


def oracle(answerer: Answerer, evidence: Evidence, pictures: Pictures) -> dict[str, Any]:
    """Figures of one domain, were each picture answered on the best rung by what the policy itself knows.

    What it knows, how often it is right where it states this or that, is learnt from one half of the pictures for the
    other. `ceiling` is the HM that the best of observers could expect.
    """
    known = ask(answerer, evidence, pictures)
    halves = [np.arange(len(evidence)) % 2 == half for half in (0, 1)]
    categories: list[Category] = []
    for one, other in (halves, halves[::-1]):
        probability = known.take(one).calibrated_by(known.take(other))
        chosen = best_choice(probability).chosen
        right = np.take_along_axis(known.right[one], chosen[:, None], axis=1)[:, 0]
        categories += [RUNG_CATEGORIES[c] if r else Category.WRONG for c, r in zip(chosen, right, strict=True)]
    kinds = [asdict(b) for b in reliability(known.stated[:, 0], known.right[:, 0])]
    families = [asdict(b) for b in reliability(known.stated[:, 1], known.right[:, 1])]
    return _counts(categories) | {
        "ceiling": round(best_choice(of_pictures(evidence)).hm, 4),
        "reliability": {"kind": kinds, "family": families},
    }


def main(
    policy: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Hugging Face folder of the policy.")],
    taxonomy: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="taxonomy.json of the seed.")],
    out: Annotated[Path, typer.Option(help="JSON that is written.")],
    pictures: Annotated[int, typer.Option(min=1, help="Held-out pictures of each domain.")] = 800,
    best_of: Annotated[int, typer.Option(min=1, help="Of these, pictures that are sampled 64 times.")] = 300,
    seed: Annotated[int, typer.Option(help="Of the pictures and samples.")] = 0,
    baselines: Annotated[bool, typer.Option("--baselines", help="The four results of the untrained policy.")] = False,
) -> None:
    """Evaluate a policy."""
    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_pretrained(policy, dtype=torch.float32)
    answerer, scorer = Answerer(model, AutoProcessor.from_pretrained(policy)), Scorer(taxonomy)
    results: dict[str, dict[str, Any]] = {}
    for domain in DOMAINS:
        evidence, shown = held_out(domain, pictures, seed)
        few = np.arange(min(best_of, pictures))
        found = {"greedy": evaluate(answerer, scorer, evidence, shown, "short", GREEDY)}
        if baselines:
            for prompt in ("be-specific", "calibrated"):
                found[prompt] = evaluate(answerer, scorer, evidence, shown, prompt, GREEDY)
            found["best-of-64"] = evaluate(answerer, scorer, evidence.take(few), shown[few], "short", BEST_OF)
            found["oracle"] = oracle(answerer, evidence, shown)
        for name, figures in found.items():
            results.setdefault(name, {})[domain.name] = figures
    with whole_file(out) as partial:
        partial.write_text(json.dumps(results) + "\n", encoding="utf-8")
    typer.echo(f"{out}: {summary(results)}")


def summary(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Names of the results."""
    return ", ".join(f"{name} of {len(domains)} domains" for name, domains in results.items())


if __name__ == "__main__":
    run_stage(main)
