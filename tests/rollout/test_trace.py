"""A rollout's words and times, on their way to the files."""

from typing import Any

from speciarl_verl.rollout.step_figures import OURS, step_figures
from speciarl_verl.rollout.trace import TEXT_CHARACTERS, judge_wait_s, trace, written
from tests.rollout.test_step_figures import row


def rows(pictures: int, first: int = 0, step: int = 1) -> list[dict[str, Any]]:
    return [
        {
            **{"uid": f"{step}-{index}", "session_id": session, "data_source": "cub", "index": index},
            **trace(f"picture {index}", generated_at=100.0, verdict_s=0.5),
        }
        for index in range(first, first + pictures)
        for session in (1, 0)
    ]


def pictures_with_text(written_rows: list[dict[str, Any]]) -> set[int]:
    return {one["index"] for one in written_rows if "text" in one}


def test_words_are_kept_of_a_few_pictures_of_all_their_rollouts() -> None:
    kept = written(rows(50), texts=8, seed=42)
    assert len(kept) == 100
    assert len(pictures_with_text(kept)) == 8
    assert sum("text" in one for one in kept) == 16
    assert not any("generated_at" in one for one in kept)
    assert [(one["uid"], one["session_id"]) for one in kept] == sorted((one["uid"], one["session_id"]) for one in kept)


def test_same_pictures_are_chosen_when_they_come_again_in_other_company() -> None:
    early = pictures_with_text(written(rows(50), texts=8, seed=42))
    late = pictures_with_text(written(rows(50, first=0, step=9) + rows(10, first=50, step=9), texts=8, seed=42))
    assert len(early & late) >= 5
    assert pictures_with_text(written(rows(50), texts=8, seed=43)) != early


def test_none_are_kept_where_none_are_asked_for() -> None:
    assert pictures_with_text(written(rows(5), texts=0, seed=42)) == set()


def test_response_is_cut() -> None:
    assert trace("x" * 9999, 0.0, 0.0)["text"] == "x" * TEXT_CHARACTERS


def test_step_waits_for_verdicts_from_its_last_response_to_its_last_verdict() -> None:
    times = [trace("", 100.0, 9.0), trace("", 108.0, 0.25), trace("", 107.0, 2.5)]
    assert judge_wait_s(times) == 1.5
    # Judged while others were still generated: nobody waited.
    assert judge_wait_s([*times[:1], trace("", 200.0, 0.0)]) == 0.0
    assert judge_wait_s([*times, {}]) is None


def test_wait_is_a_figure_of_the_step_where_it_is_known() -> None:
    timed = [row("a", "S", 1.0, **trace("", 100.0, 2.0))]
    assert step_figures(timed, 1)[f"{OURS}judge_wait_s"] == 2.0
    assert f"{OURS}judge_wait_s" not in step_figures([row("a", "S", 1.0)], 1)
