import json

import pytest

from speciarl_verl.cli.pair_table import Columns, TableFormat, read_rows, write_rows
from speciarl_verl.errors import InputError
from speciarl_verl.files import decode, delimiter_of
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.method.category import Category

JSONL, CSV = TableFormat.JSONL, TableFormat.CSV
VERDICT = Verdict(Category.LESS_SPECIFIC, Source.SERVER, 0.5, None)


def test_read_rows_jsonl_keeps_all_columns_and_skips_blank_lines():
    text = '{"id": 7, "prediction": "jay", "ground_truth": "Blue Jay"}\n\n{"prediction": "", "ground_truth": "x"}'
    rows = read_rows(text, JSONL, Columns(), "t")
    assert [row.pair for row in rows] == [Pair("jay", "Blue Jay"), Pair("", "x")]
    assert rows[0].values["id"] == 7


def test_read_rows_jsonl_line_separators_inside_a_string_are_text():
    rows = read_rows('{"prediction": "a\u2028b", "ground_truth": "x"}\n', JSONL, Columns(), "t")
    assert rows[0].pair.prediction == "a\u2028b"


def test_read_rows_csv_quotes_commas_and_newlines_are_text():
    text = 'prediction,ground_truth,n\r\n"jay, ""blue""",Blue Jay,1\r\n\r\n"two\nlines",x,2\r\n'
    rows = read_rows(text, CSV, Columns(), "t")
    assert [row.pair for row in rows] == [Pair('jay, "blue"', "Blue Jay"), Pair("two\nlines", "x")]
    assert [row.values["n"] for row in rows] == ["1", "2"]


def test_read_rows_other_columns_by_name():
    (row,) = read_rows('{"answer": "jay", "truth": "Blue Jay"}', JSONL, Columns("answer", "truth"), "t")
    assert row.pair == Pair("jay", "Blue Jay")


GOOD = '{"prediction": "jay", "ground_truth": "Blue Jay"}\n'


@pytest.mark.parametrize(
    ("text", "table_format", "message"),
    [
        pytest.param(GOOD + "{", JSONL, "t:2: not JSON", id="not JSON"),
        pytest.param(GOOD + "\n[1]", JSONL, "t:3: a list", id="not an object"),
        pytest.param('{"prediction": "x"}', JSONL, "t:1: .*'ground_truth'.*--ground-truth-column", id="no truth"),
        pytest.param('{"ground_truth": "x"}', JSONL, "t:1: .*'prediction'.*--prediction-column", id="no prediction"),
        pytest.param('{"prediction": null, "ground_truth": "x"}', JSONL, "t:1: prediction is null", id="null"),
        pytest.param('{"prediction": "x", "ground_truth": 3}', JSONL, "t:1: ground_truth is 3", id="number"),
        pytest.param('{"prediction": "x", "ground_truth": " "}', JSONL, "t:1: ground_truth is empty", id="blank"),
        pytest.param(
            '{"prediction": "x", "ground_truth": "y", "source": 1}', JSONL, "t:1: .*'source'.*--prefix", id="taken"
        ),
        pytest.param("\n", JSONL, "t: holds no rows", id="empty"),
        pytest.param("", CSV, "t: holds no rows", id="no header"),
        pytest.param("prediction,ground_truth\n", CSV, "t: holds no rows", id="header alone"),
        pytest.param("prediction,ground_truth\na,b\n\na\n", CSV, "t:4: 1 fields under a header of 2", id="few"),
        pytest.param("prediction,ground_truth\na,b,c\n", CSV, "t:2: 3 fields", id="many"),
        pytest.param('prediction,ground_truth\na,b\n"a,b\nc\n', CSV, "t:3: not CSV", id="open quote"),
        pytest.param("prediction,prediction\na,b\n", CSV, "t:1: two columns", id="column twice"),
    ],
)
def test_read_rows_malformed_is_one_line_naming_place_and_cure(text, table_format, message):
    with pytest.raises(InputError, match=message) as error:
        read_rows(text, table_format, Columns(), "t")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("table_format", TableFormat, ids=lambda table_format: table_format.value)
def test_write_rows_adds_the_verdict_behind_what_was_there(table_format):
    text = {
        JSONL: '{"n": "é", "prediction": "two\\nlines", "ground_truth": "x"}\n',
        CSV: 'n,prediction,ground_truth\né,"two\nlines",x\n',
    }[table_format]
    columns = Columns(prefix="judge_")
    written = write_rows(read_rows(text, table_format, columns, "t"), [VERDICT], table_format, columns)
    (row,) = read_rows(written, table_format, Columns(), "t")
    assert list(row.values) == ["n", "prediction", "ground_truth", *columns.added]
    assert (row.values["n"], row.pair) == ("é", Pair("two\nlines", "x"))
    added = [row.values[column] for column in columns.added]
    assert added == (["S-", "server", 0.5, None] if table_format is JSONL else ["S-", "server", "0.5", ""])


def test_write_rows_half_a_surrogate_pair_leaves_as_it_came():
    line = '{"prediction": "\\ud83d", "ground_truth": "x"}\n'
    written = write_rows(read_rows(line, JSONL, Columns(), "t"), [VERDICT], JSONL, Columns())
    assert json.loads(written.encode())["prediction"] == "\ud83d"


def test_d8_read_rows_csv_takes_a_field_of_144000_characters():
    (row,) = read_rows(f"prediction,ground_truth\n{'x' * 144_000},jay\n", CSV, Columns(), "t")
    assert len(row.pair.prediction) == 144_000


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_also_read_rows_csv_of_other_delimiters(delimiter):
    text = f"prediction{delimiter}ground_truth\njay{delimiter}Blue Jay\n"
    assert [row.pair for row in read_rows(text, CSV, Columns(), "t")] == [Pair("jay", "Blue Jay")]


def test_also_tsv_is_a_table_format(tmp_path):
    assert TableFormat.of(tmp_path / "a.tsv") is CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
def test_s7_csv_of_any_delimiter_and_length_leaves_as_it_came(delimiter):
    long = "x" * 200_000
    text = f'\ufeffn{delimiter}prediction{delimiter}ground_truth\n1{delimiter}"a{delimiter}b\u2028"{delimiter}{long}\n'
    rows = read_rows(decode(text.encode(), "t"), CSV, Columns(), "t")
    assert rows[0].pair == Pair(f"a{delimiter}b\u2028", long)
    written = write_rows(rows, [VERDICT], CSV, Columns(), delimiter_of(text))
    assert written.split("\n")[0] == delimiter.join(["n", "prediction", "ground_truth", *Columns().added])
    (again,) = read_rows(written, CSV, Columns(prefix="b_"), "t")
    assert again.pair == rows[0].pair
