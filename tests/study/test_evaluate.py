import numpy as np
import pytest

from recipes.study.answers import GREEDY, Answerer, Sampling
from recipes.study.birds import held_out
from recipes.study.evaluate import evaluate, oracle
from recipes.study.knowledge import Knowledge
from recipes.study.results import metrics_of
from recipes.study.scoring import Scorer
from recipes.study.world import DOMAINS
from speciarl_verl.method.category import Category


def says(answerer: Answerer, monkeypatch: pytest.MonkeyPatch, responses: list[list[str]]) -> None:
    monkeypatch.setattr(answerer, "respond", lambda *_: responses)


def answer(text: str) -> str:
    return f"<think>x</think><answer>{text}</answer>"


def test_evaluate_counts_the_best_sample_of_each_picture(
    answerer: Answerer, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence, pictures = held_out(DOMAINS[0], 3, seed=0)
    labels = evidence.labels()
    says(
        answerer,
        monkeypatch,
        [
            [answer("bird"), answer(labels[0])],
            [answer("dish"), answer(labels[1].split()[1])],
            ["no answer", answer("Scarlet Pie")],
        ],
    )
    found = evaluate(answerer, scorer, evidence, pictures, "short", Sampling(samples=2))
    assert {symbol: n for symbol, n in found["counts"].items() if n} == {"S": 1, "S-": 1, "W": 1}
    kinds = found["kinds"]
    assert [sum(column) for column in zip(*kinds, strict=True)] == [3, 2 if found["unparseable"] == 0 else 1, 1]


def test_an_unparseable_answer_is_wrong_and_counted(
    answerer: Answerer, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence, pictures = held_out(DOMAINS[0], 2, seed=0)
    says(answerer, monkeypatch, [["bird"], [answer("animal")]])
    found = evaluate(answerer, scorer, evidence, pictures, "short", GREEDY)
    assert found["unparseable"] == 1
    assert metrics_of(found["counts"]).counts[Category.WRONG] == 1


def test_the_oracle_names_kinds_where_the_policy_knows_them_and_the_root_elsewhere(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence, pictures = held_out(DOMAINS[1], 400, seed=0)
    knows = evidence.clarity > 0.5
    right = np.stack([knows, knows, np.ones(400, dtype=bool)], axis=1)
    monkeypatch.setattr("recipes.study.evaluate.ask", lambda *_: Knowledge(np.where(right, 0.9, 0.1), right))
    found = oracle(answerer, evidence, pictures)
    assert found["counts"] == {"W": 0, "A": 0, "G": int((~knows).sum()), "S-": 0, "S": int(knows.sum()), "S+": 0}
    assert 0.5 < found["ceiling"] < 1
