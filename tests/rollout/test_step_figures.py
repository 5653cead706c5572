"""What a step's rollouts come to, in figures."""

from typing import Any

import pytest

from speciarl_verl.rollout.step_figures import OURS, step_figures, validation_figures


def row(uid: str, category: str, reward: float, answer: str = "robin", **fields: Any) -> dict[str, Any]:
    rule = "no-answer" if category == "unparseable" else ""
    outcome = {"category": category, "verdict": category, "best": "S", "reference": "S", "rule": rule}
    return {"uid": uid, **outcome, "group_reward": reward, "answer": answer, "ground_truth": "a robin", **fields}


ROWS = [
    row("b", "W", 0.0, "Sparrow"),
    row("b", "S", 1.0),
    row("a", "G", 1.0, "a Bird", best="G", reference="G"),
    row("a", "unparseable", 1.0, "", best="G", reference="G"),
]


def figures(*rows: dict[str, Any], groups_asked: int = 2) -> dict[str, float]:
    return {key.removeprefix(OURS): value for key, value in step_figures(rows, groups_asked).items()}


def test_shares_are_of_all_rollouts() -> None:
    found = figures(*ROWS, groups_asked=3)
    assert {key: found[f"share/{key}"] for key in ("W", "A", "G", "S-", "S", "S+", "unparseable")} == {
        **dict.fromkeys(["A", "S-", "S+"], 0.0),
        **dict.fromkeys(["W", "G", "S", "unparseable"], 0.25),
    }
    assert found["correct_share_of_judged"] == pytest.approx(2 / 3)
    assert found["groups_without_signal"] == 0.5
    assert found["groups_lost"] == 1.0
    rules = {key: value for key, value in found.items() if key.startswith("rule/")}
    assert rules == {
        "rule/no-answer": 0.25,
        **dict.fromkeys([f"rule/{rule}" for rule in ("empty", "punctuation-only", "too-long", "hedged")], 0.0),
    }
    assert found["noised_share_of_judged"] == 0.0


def test_verdicts_that_noise_moved_are_counted() -> None:
    moved = [{**one, "verdict": "A"} if one["category"] == "W" else one for one in ROWS]
    assert figures(*moved)["noised_share_of_judged"] == pytest.approx(1 / 3)


def test_step_in_which_nothing_was_parseable() -> None:
    nothing = [row("a", "unparseable", -1.0, "", best="", reference="") for _ in range(2)]
    found = figures(*nothing, groups_asked=1)
    assert found["correct_share_of_judged"] == found["hm"] == found["distinct_answers"] == 0.0
    assert found["share/unparseable"] == found["best/none"] == found["reference/none"] == 1.0


def test_bars_are_shares_of_groups() -> None:
    found = figures(*ROWS, row("c", "S+", 1.0, best="S+"), groups_asked=3)
    assert (found["best/S"], found["best/G"], found["best/S+"]) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert (found["reference/S"], found["reference/G"], found["reference/S+"]) == pytest.approx((2 / 3, 1 / 3, 0))


def test_metrics_of_the_rollouts_count_no_answer_as_wrong() -> None:
    found = figures(*ROWS)
    # Of four two are right: S (4 points) and G (2).
    assert (found["correctness"], found["specificity"]) == (0.5, 0.75)
    assert found["hm"] == pytest.approx(0.6)


def test_answers_are_compared_up_to_case_and_spaces_and_counted_in_words() -> None:
    rows = [row("a", "S", 1.0, answer) for answer in ("Robin", " robin", "red  robin", "ROBIN")]
    found = figures(*rows)
    assert (found["distinct_answers"], found["top_answer"]) == (2.0, 0.75)
    assert (found["answer_words"], found["truth_words"]) == (1.25, 2.0)


def logged(source: str, **shares: float) -> dict[str, float]:
    every = dict.fromkeys(["W", "A", "G", "S-", "S", "S+", "unparseable"], 0.0) | shares
    return {f"val-aux/{source}/share_{key}/mean@1": share for key, share in every.items()}


def test_validation_is_scored_set_by_set_from_the_shares_that_verl_logs() -> None:
    found = validation_figures(logged("cub", W=0.25, S=0.5, G=0.25) | logged("a/b", unparseable=1.0) | {"x/y": 1.0})
    assert found == {
        "val-core/cub/correctness": 0.75,
        "val-core/cub/specificity": pytest.approx(2.5 / 3),
        "val-core/cub/hm": pytest.approx(2 * 0.75 * (2.5 / 3) / (0.75 + 2.5 / 3)),
        **dict.fromkeys(["val-core/a/b/correctness", "val-core/a/b/specificity", "val-core/a/b/hm"], 0.0),
    }


def test_step_without_a_validation_has_none() -> None:
    assert validation_figures({"critic/score/mean": 1.0, "val-aux/cub/share_W/mean@1": 1.0}) == {}
