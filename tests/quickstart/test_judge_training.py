import json
import random
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from recipes.quickstart.judge_model import build_model, build_tokenizer, messages, question
from recipes.quickstart.judge_pairs import Sorted, graded_pairs
from recipes.quickstart.judge_training import Prompts, gold_line, losses, main, train
from recipes.quickstart.world import taxonomy
from speciarl_verl.judge.calibration.gold import GoldPair, load_gold
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.method.category import Category


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("world") / "taxonomy.json"
    file.write_text(json.dumps(taxonomy()))
    return file


@pytest.fixture(scope="module")
def pairs(world: Path) -> list[GoldPair]:
    return graded_pairs(TaxonomyJudge.from_file(world), seed=0)


def some(pairs: list[GoldPair], count: int) -> list[GoldPair]:
    return Sorted(pairs).draw(count, random.Random(0))


def test_the_shared_beginning_changes_no_logit(pairs: list[GoldPair]) -> None:
    """As the server sees it: one chat, rubric and pair, through the template."""
    form = question()
    tokenizer = build_tokenizer(form, [one.pair for one in pairs])
    model, batch = build_model(tokenizer, seed=0).eval(), some(pairs, 5)
    prompts = Prompts(tokenizer, form, [one.pair for one in pairs])
    with torch.inference_mode():
        loss, _, _ = losses(model, prompts, batch)
        alone = []
        for entry in batch:
            ids = tokenizer.apply_chat_template(
                messages(form, entry.pair), add_generation_prompt=True, return_tensors="pt", return_dict=False
            )
            logits = model(input_ids=ids).logits[:, -1]
            alone.append(torch.nn.functional.cross_entropy(logits, prompts.letters([entry])).item())
    assert loss.item() == pytest.approx(sum(alone) / len(alone), rel=1e-4)


def test_a_judge_has_about_a_million_parameters(pairs: list[GoldPair]) -> None:
    tokenizer = build_tokenizer(question(), [one.pair for one in pairs])
    assert 0.8e6 < build_model(tokenizer, seed=0).num_parameters() < 1.2e6


def test_train_lowers_the_loss(pairs: list[GoldPair]) -> None:
    form = question()
    tokenizer = build_tokenizer(form, [one.pair for one in pairs])
    model, prompts, batch = (
        build_model(tokenizer, seed=0),
        Prompts(tokenizer, form, [one.pair for one in pairs]),
        some(pairs, 64),
    )
    before = losses(model, prompts, batch)[0].item()
    train(model, prompts, pairs, steps=15, seed=0)
    assert losses(model, prompts, batch)[0].item() < 0.7 * before
    assert not model.training


def test_what_is_written_loads_and_its_gold_is_a_gold_set(world: Path, tmp_path: Path) -> None:
    main(world, tmp_path / "judge", steps=1, seed=0)
    gold = load_gold(tmp_path / "judge" / "gold.jsonl")
    assert 1000 < len(gold) < 2000
    assert {entry.domain for entry in gold} == {"quickstart"}
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "judge")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "judge")
    assert model.config.vocab_size == len(tokenizer)
    assert len({tokenizer.convert_tokens_to_ids(letter) for letter in question().menu.choices}) == len(Category)


def test_gold_line_gives_the_category_as_a_symbol(pairs: list[GoldPair]) -> None:
    assert json.loads(gold_line(pairs[0]))["category"] == pairs[0].category.symbol
