"""Which pictures are shown early and late, and with which rollouts."""

from pathlib import Path

from speciarl_verl.run_report.portraits import choose, portraits
from speciarl_verl.run_report.run_folder import open_run
from speciarl_verl.run_report.survey import Visit, survey


def visits(*scores: float, words: bool = True) -> list[Visit]:
    return [Visit(step, score, words) for step, score in enumerate(scores, start=1)]


def test_up_to_four_rose_fell_and_stayed_the_most_changed_first() -> None:
    pictures = {f"rose {i}": visits(0.1, i / 10) for i in range(3, 10)}
    pictures |= {f"fell {i}": visits(1.0, i / 10) for i in range(3)}
    pictures |= {f"stayed {i}": visits(0.5, 0.5 + i / 100) for i in range(6)}
    chosen = choose(pictures)
    names = [choice.picture for choice in chosen]
    assert names[:7] == ["rose 9", "rose 8", "rose 7", "rose 6", "fell 0", "fell 1", "fell 2"]
    assert [choice.course for choice in chosen] == ["rose"] * 4 + ["fell"] * 3 + ["stayed"] * 4


def test_first_and_last_visit_of_which_the_words_were_kept_are_compared() -> None:
    told = [Visit(1, 0.0, False), Visit(2, 0.25, True), Visit(3, 0.5, True), Visit(4, 1.0, False)]
    (choice,) = choose({"told": told, "untold": visits(0.0, 1.0, words=False), "once": visits(1.0)})
    assert (choice.picture, choice.early.step, choice.late.step) == ("told", 2, 3)


def test_without_any_words_the_verdicts_are_shown() -> None:
    (choice,) = choose({"untold": visits(0.0, 1.0, words=False), "once": visits(1.0)})
    assert choice.picture == "untold"


def test_portrait_has_all_rollouts_of_both_visits(run_folder: Path) -> None:
    run = open_run(run_folder)
    chosen = choose(survey(run).pictures)
    shown = portraits(run, chosen)
    assert len(shown) == len(chosen) > 3
    for portrait in shown:
        assert {row["index"] for row in (*portrait.early, *portrait.late)} == {portrait.first["index"]}
        assert [row["session_id"] for row in portrait.early] == [row["session_id"] for row in portrait.late]
        assert len(portrait.late) == 4
        assert f"at step {portrait.choice.late.step}." in portrait.late[0]["text"]
