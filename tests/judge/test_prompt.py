import pytest

from speciarl_verl.category import Category
from speciarl_verl.judge.prompt import load_rubric, render_messages, shipped_rubrics
from speciarl_verl.judge.protocol import JudgeError, Pair


@pytest.mark.parametrize("name", shipped_rubrics())
def test_load_rubric_shipped_explains_every_label(name):
    rubric = load_rubric(name)
    assert all(f"\n{category.label}: " in rubric for category in Category)


def test_load_rubric_of_the_user(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("\nGrade it.\n", encoding="utf-8")
    assert load_rubric(str(path)) == "Grade it."


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe\xff"], ids=["empty", "blank", "binary"])
def test_load_rubric_unusable_file_is_named(tmp_path, content):
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    with pytest.raises(JudgeError, match=r"mine\.txt"):
        load_rubric(str(path))


def test_load_rubric_folder_is_an_error(tmp_path):
    with pytest.raises(JudgeError, match="cannot be read"):
        load_rubric(str(tmp_path))


def test_render_messages_pair_is_last_and_alone():
    system, user = render_messages("Rubric.", Pair("a robin", "European Robin"))
    assert system == {"role": "system", "content": "Rubric."}
    assert user == {"role": "user", "content": '{"ground_truth": "European Robin", "prediction": "a robin"}'}
