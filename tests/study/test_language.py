from pathlib import Path

import numpy as np
import pytest

from recipes.study.evidence import draw
from recipes.study.hedging import PROMPTS, rungs
from recipes.study.language import MAX_TOKENS, Language, build_study_tokenizer
from recipes.study.scoring import Scorer
from recipes.study.world import DOMAINS, taxonomy
from speciarl_verl.files import write_text
from speciarl_verl.method.answer import extract_answer
from speciarl_verl.method.category import Category


@pytest.fixture(scope="module")
def tokenizer():  # type: ignore[no-untyped-def]
    return build_study_tokenizer()


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_every_response_has_an_answer_that_the_taxonomy_knows(tokenizer, domain, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    import json

    write_text(tmp_path / "taxonomy.json", json.dumps(taxonomy()))
    evidence = draw(domain, 200, np.random.default_rng(0))
    lesson = Language(tokenizer).lesson(evidence, "short", np.random.default_rng(0))
    responses = tokenizer.batch_decode(lesson.tokens, skip_special_tokens=True)
    assert all(extract_answer(response).answer for response in responses)
    categories = Scorer(tmp_path / "taxonomy.json").categories(responses, evidence.labels())
    assert set(categories) == set(Category)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_targets_are_distributions_that_the_tokens_were_drawn_from(tokenizer, prompt: str) -> None:  # type: ignore[no-untyped-def]
    evidence = draw(DOMAINS[4], 50, np.random.default_rng(1))
    lesson = Language(tokenizer).lesson(evidence, prompt, np.random.default_rng(1))
    is_said = lesson.tokens != tokenizer.pad_token_id
    assert lesson.targets.sum(axis=-1) == pytest.approx(is_said.astype(float), abs=1e-5)
    of_said = np.take_along_axis(lesson.targets, lesson.tokens[..., None], axis=-1)[..., 0]
    assert (of_said[is_said] > 0).all()
    thought = lesson.targets[:, 1]
    assert np.sort(thought, axis=-1)[:, -5:] == pytest.approx(np.sort(rungs(evidence, prompt), axis=-1), abs=1e-5)


def test_the_longest_response_fills_the_room_exactly(tokenizer) -> None:  # type: ignore[no-untyped-def]
    text = f"<think>kind</think><answer>{DOMAINS[5].label(0, 11)} minor</answer>{tokenizer.eos_token}"
    assert len(tokenizer.encode(text)) == MAX_TOKENS
