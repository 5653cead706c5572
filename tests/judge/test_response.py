"""Response -> answer -> verdict: what is malformed is wrong without a call, what equals its truth is right."""

import json
from pathlib import Path

import pytest

from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.fast_path import FastPathJudge
from speciarl_verl.judge.judge_config import TaxonomyJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.malformed import Malformed
from speciarl_verl.judge.protocol import Judge, Pair, Source, Verdict
from speciarl_verl.judge.response import (
    AnswerConfig,
    JudgedResponse,
    NormalisingJudge,
    WellFormedJudge,
    judge_response,
)
from speciarl_verl.method.answer import Refusal
from speciarl_verl.method.category import Category
from speciarl_verl.method.rules import group_reward

W, S, S_MINUS, G = Category.WRONG, Category.SPECIFIC, Category.LESS_SPECIFIC, Category.GENERIC
CUB = TaxonomyJudgeConfig()


class Server:
    """An LLM that calls everything generic, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Pair] = []
        self.calls: list[str] = []

    async def judge(self, pair: Pair) -> Verdict:
        self.asked.append(pair)
        return Verdict(G, Source.SERVER)

    async def check(self) -> None:
        self.calls.append("check")

    async def close(self) -> None:
        self.calls.append("close")


def answered(answer: str) -> str:
    return f"<think>hm</think><answer>{answer}</answer>"


def taxonomy(folder: Path, labels: dict[str, dict[str, list[str]]]) -> Judge:
    file = folder / "taxonomy.json"
    file.write_text(json.dumps({"name": "test", "root": ["bird"], "labels": labels}), encoding="utf-8")
    return build_judge(TaxonomyJudgeConfig(taxonomy=str(file)), answer=AnswerConfig())


@pytest.mark.parametrize(
    "label",
    [
        "highway or road",
        "Mont d'Or",
        "abc/def",
        "a b c d e f g h i j k l m",
        "robin, cardinal, sparrow",
        "\u9e1f" * 300,
    ],
)
async def test_a1_answer_equal_to_its_truth_is_specific_whatever_it_looks_like(label: str) -> None:
    server = Server()
    judged = await judge_response(
        answered(label.upper()), label, WellFormedJudge(FastPathJudge(server), AnswerConfig())
    )
    assert (judged.category, judged.rule, server.asked) == (S, None, [])
    # Without the fast path too, where a rule would have called it malformed.
    judged = await judge_response(answered(label), label, WellFormedJudge(server, AnswerConfig()))
    assert judged.category is (G if label == "Mont d'Or" else S)


async def test_a1_label_that_names_two_things_is_specific_to_the_taxonomy(tmp_path: Path) -> None:
    judge = taxonomy(
        tmp_path, {"highway or road": {"synonyms": ["street or alley"], "parents": ["way, track or path"]}}
    )
    for answer, category in [("highway or road", S), ("street or alley", S), ("way, track or path", S_MINUS)]:
        judged = await judge_response(answered(answer), "highway or road", judge)
        assert (judged.category, judged.rule) == (category, None)
    judged = await judge_response(answered("street or track"), "highway or road", judge)
    assert (judged.category, judged.rule) == (W, "hedged")


@pytest.mark.parametrize(
    ("truth", "categories", "rewards"),
    [("robin", [W, W, G], [0, 0, 1]), ("cardinal", [W, S, G], [0, 1, 0])],
)
async def test_a2_several_options_are_wrong_and_not_unparseable(
    tmp_path: Path, truth: str, categories: list[Category], rewards: list[float]
) -> None:
    judge = taxonomy(tmp_path, {"robin": {}, "cardinal": {}})
    answers = ["robin or cardinal", "cardinal", "bird"]
    judged = [await judge_response(answered(answer), truth, judge) for answer in answers]
    assert [one.category for one in judged] == categories
    assert list(group_reward([one.category for one in judged]).rewards) == rewards
    assert [one.rule for one in judged] == ["hedged", None, None]


async def test_a2_several_options_are_wrong_without_a_call() -> None:
    server = Server()
    judge = WellFormedJudge(FastPathJudge(server), AnswerConfig())
    judged = await judge_response(answered("robin or cardinal"), "robin", judge)
    assert judged == JudgedResponse("robin or cardinal", verdict=Verdict(W, Source.ANSWER_RULE, fault=Malformed.HEDGED))
    assert server.asked == []


@pytest.mark.parametrize("response", ["", "no tags", "<answer> </answer>", "<answer>?!</answer>"])
async def test_a2_only_a_missing_or_empty_answer_is_unparseable(response: str) -> None:
    server = Server()
    judged = await judge_response(response, "robin", WellFormedJudge(server, AnswerConfig()))
    assert (judged.answer, judged.verdict, judged.category, server.asked) == (None, None, None, [])
    assert judged.refusal is not None
    assert judged.rule == judged.refusal.value


@pytest.mark.parametrize("endless", ["\u9e1f" * 12_000, "ha" * 20_000, "ha " * 20_000], ids=["signs", "word", "words"])
async def test_a3_endless_answer_is_wrong_and_never_sent(endless: str) -> None:
    server = Server()
    judged = await judge_response(answered(endless), "robin", WellFormedJudge(FastPathJudge(server), AnswerConfig()))
    assert (judged.category, judged.rule, server.asked) == (W, "too-long", [])


async def test_a4_answer_inside_a_thought_never_closed_is_one_in_the_papers_mode_only() -> None:
    response, server = "<think>x <answer>European robin</answer>", Server()
    assert (await judge_response(response, "European robin", server)).rule == "no-answer"
    judged = await judge_response(response, "European robin", FastPathJudge(server), "paper")
    assert (judged.answer, judged.category) == ("European robin", S)


@pytest.mark.parametrize(
    ("prediction", "truth"),
    [
        ("cr\u00e8me br\u00fbl\u00e9e", "creme brulee"),
        ("creme brulee", "cre\u0300me bru\u0302le\u0301e"),
        ("Smorrebrod", "sm\u00f8rrebr\u00f8d"),
        ("\u0141ososina", "lososina"),
        ("phở", "pho"),
        ("FACADE", "fa\u00e7ade"),
    ],
)
async def test_a5_accents_fold(tmp_path: Path, prediction: str, truth: str) -> None:
    judged = await judge_response(answered(prediction), truth, taxonomy(tmp_path, {truth: {}}))
    assert judged.category is S
    assert (await judge_response(answered(prediction), truth, FastPathJudge(Server()))).category is S


@pytest.mark.parametrize("wrapped", [r"\boxed{Blue Jay}", '{"answer": "Blue Jay"}', "Blue Jay (Cyanocitta cristata)"])
async def test_a7_wrappers_and_scientific_names_change_nothing(wrapped: str) -> None:
    judged = await judge_response(answered(wrapped), "Blue Jay", build_judge(CUB, answer=AnswerConfig()))
    assert judged.category is S


@pytest.mark.parametrize(
    ("answer", "category"),
    [
        pytest.param("Cyanocitta cristata (Blue Jay)", S, id="the other way round"),
        pytest.param("Blue Jay [Cyanocitta cristata].", S, id="square brackets"),
        pytest.param("Jay (Corvidae)", S_MINUS, id="two parents"),
        pytest.param("Jay (Cyanocitta cristata)", S, id="the narrower one counts"),
        pytest.param("Blue Jay (Cyanocitta stelleri)", W, id="another species"),
        pytest.param("Blue Jay (Corvus corax)", W, id="another label's name"),
        pytest.param("Blue Jay (robin)", W, id="another bird"),
        pytest.param("robin (Cyanocitta cristata)", W, id="another bird before"),
        pytest.param("Blue Jay (Cardinal) (Jay)", W, id="more than two"),
    ],
)
async def test_a7_names_in_brackets_must_both_be_true(answer: str, category: Category) -> None:
    judged = await judge_response(answered(answer), "Blue Jay", build_judge(CUB, answer=AnswerConfig()))
    assert judged.category is category


async def test_a7_scientific_name_that_the_taxonomy_does_not_list_is_taken_on_trust(tmp_path: Path) -> None:
    judge = taxonomy(tmp_path, {"Blue Jay": {"parents": ["jay"]}, "Raven": {"synonyms": ["Corvus corax"]}})
    answers = {"Blue Jay (Cyanocitta cristata)": S, "jay (Cyanocitta cristata)": S_MINUS, "Blue Jay (Corvus corax)": W}
    for answer, category in answers.items():
        assert (await judge_response(answered(answer), "Blue Jay", judge)).category is category
    assert (await judge_response(answered("Crow (Corvus corone)"), "Blue Jay", judge)).category is W


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("Blue\u200b Ja\u00ady", id="zero-width space and soft hyphen"),
        pytest.param("\ufeffBlue Jay\u200e", id="byte order and direction marks"),
        pytest.param("Blue Jay \U0001f426\ufe0f", id="a bird with a variation selector"),
        pytest.param("\u201cBlue Jay\u201d", id="quotes"),
        pytest.param("Answer: Blue Jay", id="announced"),
        pytest.param("The final answer is: **Blue Jay**.", id="announced and in bold"),
        pytest.param("Blue&nbsp;Jay", id="HTML's escapes"),
        pytest.param("Blue Jay<|im_end|>", id="a control token"),
        pytest.param("Blue Jay, Cyanocitta cristata", id="two names with a comma"),
        pytest.param("Blue Jay \u2013 Cyanocitta cristata", id="two names with a dash"),
        pytest.param("Cyanocitta cristata: Blue Jay", id="two names with a colon"),
        pytest.param("['Blue Jay']", id="a list of one"),
    ],
)
async def test_further_dress_of_a_right_answer_changes_nothing(answer: str) -> None:
    judged = await judge_response(answered(answer), "Blue Jay", build_judge(CUB, answer=AnswerConfig()))
    assert judged.category is S


async def test_further_closing_tag_with_a_space_closes() -> None:
    judged = await judge_response("<answer>Blue Jay</ answer>", "Blue Jay", build_judge(CUB, answer=AnswerConfig()))
    assert judged.category is S


@pytest.mark.parametrize(("answer", "truth"), [("macaroni & cheese", "macaroni and cheese"), ("R&B", "r and b")])
async def test_further_ampersand_is_and(tmp_path: Path, answer: str, truth: str) -> None:
    assert (await judge_response(answered(answer), truth, taxonomy(tmp_path, {truth: {}}))).category is S
    assert (await judge_response(answered(answer), truth, FastPathJudge(Server()))).category is S


async def test_a1_a2_a3_in_the_papers_mode_are_the_judges_to_say(tmp_path: Path) -> None:
    taxonomy(tmp_path, {"robin": {}, "highway or road": {}})
    config, paper = TaxonomyJudgeConfig(taxonomy=str(tmp_path / "taxonomy.json")), AnswerConfig(mode="paper")
    judge = build_judge(config, answer=paper)
    assert (await judge_response(answered("Highway or road"), "highway or road", judge, "paper")).category is S
    judged = [
        await judge_response(answered(answer), "robin", judge, "paper")
        for answer in ("robin or cardinal", "cardinal", "bird", "ha" * 20_000)
    ]
    assert [one.category for one in judged] == [W, W, G, W]
    assert list(group_reward([one.category for one in judged]).rewards) == [0, 0, 1, 0]


async def test_the_papers_mode_has_no_rule_of_form() -> None:
    judge = build_judge(CUB, ledger := Ledger(), AnswerConfig(mode="paper"))
    judged = await judge_response(answered("Blue Jay or robin"), "Blue Jay", judge, "paper")
    assert (judged.category, judged.rule) == (W, None)
    assert ledger.decided == {Source.TAXONOMY: 1}


async def test_what_a_rule_decided_is_counted() -> None:
    judge = build_judge(CUB, ledger := Ledger(), AnswerConfig())
    for answer in ("Blue Jay", "jay or robin"):
        await judge_response(answered(answer), "Blue Jay", judge)
    assert ledger.decided == {Source.TAXONOMY: 1, Source.ANSWER_RULE: 1}
    assert ledger.account().figures()["answer_rule"] == 1


async def test_normalised_texts_reach_the_judge_as_the_release_shows_them() -> None:
    server = Server()
    await NormalisingJudge(server).judge(Pair("An F/A-18, (Hornet)!", "F/A-18 \u2013 caf\u00e9_bar"))
    assert server.asked == [Pair("an f a-18 hornet", "f a-18 \u2013 caf\u00e9 bar")]


@pytest.mark.parametrize("outer", [NormalisingJudge, lambda judge: WellFormedJudge(judge, AnswerConfig())])
async def test_a_judge_around_another_checks_and_closes_it(outer: type[NormalisingJudge]) -> None:
    server = Server()
    await outer(server).check()
    await outer(server).close()
    assert server.calls == ["check", "close"]


def test_judged_response_names_the_rule_that_decided() -> None:
    assert JudgedResponse(refusal=Refusal.EMPTY).rule == "empty"
    assert JudgedResponse("x", verdict=Verdict(S, Source.SERVER)).rule is None
