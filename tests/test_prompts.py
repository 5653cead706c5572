"""The prompts mean what the paper's mean."""

import pytest

from speciarl_verl.errors import InputError
from speciarl_verl.prompts import load_prompt, prompt_names

ABSTAINING = "answer with the single word None"


def test_be_specific_adds_only_that_wish() -> None:
    assert load_prompt("be-specific").replace(" Be as specific as you can.", "") == load_prompt("train")


def test_max_specificity_alone_forbids_to_abstain() -> None:
    assert {name for name in prompt_names() if ABSTAINING not in load_prompt(name)} == {"max-specificity", "short"}
    assert "You must not abstain." in load_prompt("max-specificity")


def test_high_precision_abstains_when_unsure() -> None:
    assert f"If you are unsure, do not guess: {ABSTAINING}." in load_prompt("high-precision")


@pytest.mark.parametrize("name", sorted(set(prompt_names()) - {"short"}))
def test_every_prompt_asks_for_thinking_and_one_label(name: str) -> None:
    text = load_prompt(name)
    assert all(tag in text for tag in ("<think>", "</think>", "<answer>", "</answer>"))
    assert "exactly one label" in text


def test_unknown_prompt_is_refused_with_the_names() -> None:
    with pytest.raises(InputError, match="be-specific"):
        load_prompt("be-vague")
