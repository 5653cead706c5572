from dataclasses import replace

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.judge_config import Output
from speciarl_verl.judge.llm.rubric import load_rubric, shipped_rubrics
from speciarl_verl.method.category import Category

LABELS = {category.label: category for category in Category}


def written(tmp_path, text: str) -> str:
    path = tmp_path / "mine.txt"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", shipped_rubrics())
def test_load_rubric_shipped_explains_every_grade(name):
    rubric = load_rubric(name)
    assert rubric.version >= 1
    assert all(word in rubric.text for word in rubric.grades)
    assert "JSON" in rubric.text


def test_load_rubric_of_the_user_has_the_six_grades(tmp_path):
    rubric = load_rubric(written(tmp_path, "\nGrade it.\n"))
    assert (rubric.text, rubric.version, rubric.grades) == ("Grade it.", 1, LABELS)


def test_load_rubric_header_sets_version_and_menu(tmp_path):
    rubric = load_rubric(written(tmp_path, "---\nversion: 3\nmenu: {wrong: W, correct: S}\n---\nGrade it.\n"))
    assert (rubric.text, rubric.version) == ("Grade it.", 3)
    assert rubric.grades == {"wrong": Category.WRONG, "correct": Category.SPECIFIC}


def test_load_rubric_rule_inside_the_text_is_no_header(tmp_path):
    assert load_rubric(written(tmp_path, "Grade it.\n---\nversion: 3\n---\n")).text.startswith("Grade it.\n---")


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe\xff", b"---\nversion: 1\n---\n"])
def test_load_rubric_unusable_file_is_named(tmp_path, content):
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    with pytest.raises(JudgeError, match=r"mine\.txt"):
        load_rubric(str(path))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        pytest.param("version: [", "no YAML", id="broken"),
        pytest.param("version: zero", "version", id="no number"),
        pytest.param("versions: 1", "versions", id="unknown key"),
        pytest.param("menu: {wrong: W}", "two words", id="one word"),
        pytest.param("menu: {wrong: W, right: R}", "'R'", id="unknown category"),
        pytest.param("menu: {yes: S, no: W}", "quote yes and no", id="YAML's booleans"),
        pytest.param("user: Grade it.", "must show", id="a message without the pair"),
        pytest.param("user: Grade {prediction}.", "must show", id="a message without the truth"),
        pytest.param("normalise: perhaps", "normalise", id="no truth value"),
        pytest.param("menu: {wrong: W, 'a|b': S}", r"'a\|b'", id="signs of a regex"),
    ],
)
def test_load_rubric_nonsense_in_the_header_is_named(tmp_path, header, message):
    with pytest.raises(JudgeError, match=message) as error:
        load_rubric(written(tmp_path, f"---\n{header}\n---\nGrade it.\n"))
    assert "\n" not in str(error.value)


def test_load_rubric_folder_is_an_error(tmp_path):
    with pytest.raises(JudgeError, match="cannot be read"):
        load_rubric(str(tmp_path))


def test_menu_of_labels_offers_the_words(tmp_path):
    menu = load_rubric(written(tmp_path, "Grade it.")).menu(Output.LABEL)
    assert menu.choices == tuple(LABELS)
    assert menu.instruction.endswith("wrong, abstain, generic, less specific, specific, more specific.")
    assert menu.max_tokens == len("less specific") + 3


def test_menu_of_letters_costs_one_token_and_says_what_they_mean(tmp_path):
    menu = load_rubric(written(tmp_path, "Grade it.")).menu(Output.LETTER)
    assert menu.choices == ("A", "B", "C", "D", "E", "F")
    assert menu.max_tokens == 1
    assert "A for wrong, B for abstain, C for generic, D for less specific, E for specific, F for more" in (
        menu.instruction
    )
    assert [menu.category(letter) for letter in "ABCDEF"] == list(Category)


@pytest.mark.parametrize("answer", ["D", "d", " D", "D.", "**D**", "'D'\n"])
def test_menu_letter_in_other_dress_is_taken(tmp_path, answer):
    menu = load_rubric(written(tmp_path, "Grade it.")).menu(Output.LETTER)
    assert menu.category(answer) is Category.LESS_SPECIFIC


@pytest.mark.parametrize("answer", ["", "G", "AB", "specific", "S"])
def test_menu_off_the_menu_is_none(tmp_path, answer):
    assert load_rubric(written(tmp_path, "Grade it.")).menu(Output.LETTER).category(answer) is None


def test_rubric_with_a_message_of_its_own_is_sent_word_for_word(tmp_path):
    header = "user: |\n  Classify this pair.\n\n  INPUT:\n  {pair}"
    rubric = load_rubric(written(tmp_path, f"---\n{header}\n---\nYou are a verifier.\n"))
    assert rubric.user == "Classify this pair.\n\nINPUT:\n{pair}"
    assert rubric.system(Output.LABEL) == "You are a verifier."
    # One letter needs to be told what the letters mean.
    assert rubric.system(Output.LETTER).startswith("You are a verifier.\n\nAnswer with one letter")
    assert rubric.wording != rubric.text


def test_binary_takes_a_true_parent_and_exact_does_not():
    binary, exact = load_rubric("binary"), load_rubric("exact")
    assert binary.grades == exact.grades == {"wrong": Category.WRONG, "correct": Category.SPECIFIC}
    assert (binary.broader_is_right, exact.broader_is_right) == (True, False)
    for name, grade in [("binary", "correct"), ("exact", "wrong")]:
        assert f"golden retriever / dog / {grade}\n" in load_rubric(name).text
        assert "golden retriever / none / wrong\n" in load_rubric(name).text


def test_normalised_shows_its_examples_as_the_pairs_come():
    rubric = load_rubric("normalised")
    assert rubric.normalise
    examples = [line for line in rubric.text.splitlines() if line.count(" / ") == 2][1:]
    assert len(examples) >= 8
    assert all(line == line.lower() for line in examples)
    assert rubric.wording != replace(rubric, normalise=False).wording


def test_load_rubric_written_with_a_byte_order_mark_and_other_newlines(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_bytes(b"\xef\xbb\xbf---\r\nversion: 3\r\nmenu: {wrong: W, correct: S}\r\n---\r\nGrade it.\r\n")
    rubric = load_rubric(str(path))
    assert (rubric.text, rubric.version, tuple(rubric.grades)) == ("Grade it.", 3, ("wrong", "correct"))


def test_load_rubric_that_is_not_there_names_the_shipped_ones():
    with pytest.raises(JudgeError, match=r"'loose' is neither a file nor shipped .*strict"):
        load_rubric("loose")
