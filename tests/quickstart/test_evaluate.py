import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from recipes.quickstart.evaluate import Example, read_examples, read_visibilities, score, summarise
from recipes.quickstart.world import Visibility, taxonomy
from speciarl_verl.data_contract import SCHEMA
from speciarl_verl.errors import DataContractError, InputError
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.method.category import Category

DUCK = "Scarlet crowned Duck"
PICTURE = Image.new("RGB", (56, 56))


def example(visibility: Visibility) -> Example:
    return Example("001.Scarlet_crowned_Duck/a.png", PICTURE, DUCK, visibility)


async def test_scores_follow_the_paper_and_the_unparseable_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.json"
    file.write_text(json.dumps(taxonomy()))
    said = [
        (Visibility.CLEAR, f"<think>x</think><answer>{DUCK}</answer>", Category.SPECIFIC),
        (Visibility.CLEAR, "<answer>Azure crowned Duck</answer>", Category.WRONG),
        (Visibility.HIDDEN, "<answer>duck</answer>", Category.LESS_SPECIFIC),
        (Visibility.HIDDEN, "a duck", Category.WRONG),
        (Visibility.BLURRED, "<answer>bird</answer>", Category.GENERIC),
        (Visibility.BLURRED, "<answer>None</answer>", Category.ABSTAIN),
        (Visibility.BLURRED, "<answer>duck or owl</answer>", Category.WRONG),
    ]
    predictions = await score(
        [example(visibility) for visibility, _, _ in said],
        [response for _, response, _ in said],
        TaxonomyJudge.from_file(file),
    )
    assert [prediction.category for prediction in predictions] == [category for _, _, category in said]

    figures = summarise(predictions)
    # Four of seven are not wrong; their scores are 4, 3, 2 and 1.
    assert figures["correctness"] == pytest.approx(4 / 7)
    assert figures["specificity"] == pytest.approx(10 / 16)
    assert figures["counts"] == {"W": 3, "A": 1, "G": 1, "S-": 1, "S": 1, "S+": 0}
    assert figures["unparseable"] == 2
    by_visibility = figures["by_visibility"]
    assert isinstance(by_visibility, dict)
    assert {name: seen["n"] for name, seen in by_visibility.items()} == {"clear": 2, "hidden": 2, "blurred": 3}
    assert by_visibility["hidden"] == {
        "specificity": 0.75,
        "correctness": 0.5,
        "hm": pytest.approx(0.6),
        "n": 2,
        "counts": {"W": 1, "A": 0, "G": 0, "S-": 1, "S": 0, "S+": 0},
        "unparseable": 1,
    }


@pytest.fixture
def visibility(tmp_path: Path) -> Path:
    (tmp_path / "CUB_200_2011").mkdir()
    (tmp_path / "CUB_200_2011" / "images.txt").write_text("1 a/1.png\n2 a/2.png\n")
    path = tmp_path / "visibility.txt"
    path.write_text("2 hidden\n1 clear\n")
    return path


def test_visibilities_are_joined_by_image_id(visibility: Path) -> None:
    assert read_visibilities(visibility) == {"a/1.png": Visibility.CLEAR, "a/2.png": Visibility.HIDDEN}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("1 clear\n", "no line for 1 images, such as id 2", id="image-without"),
        pytest.param("1 clear\n2\n", "visibility.txt:2: expected", id="cut-line"),
        pytest.param("1 clear\n2 foggy\n", "'foggy' is not a valid", id="unknown-word"),
    ],
)
def test_visibilities_that_do_not_fit_are_refused(visibility: Path, text: str, message: str) -> None:
    visibility.write_text(text)
    with pytest.raises(InputError, match=message):
        read_visibilities(visibility)


def parquet(path: Path, file_name: str) -> Path:
    stream = io.BytesIO()
    PICTURE.save(stream, format="PNG")
    row = {
        "data_source": "cub",
        "prompt": [{"role": "user", "content": "<image>What is this?"}],
        "images": [{"bytes": stream.getvalue(), "path": None}],
        "ability": "classification",
        "reward_model": {"style": "judge", "ground_truth": DUCK},
        "extra_info": {"split": "test", "index": 0, "file_name": file_name, "label_id": 0, "content_hash": ""},
    }
    pq.write_table(pa.Table.from_pylist([row], schema=SCHEMA), path)
    return path


def test_examples_carry_truth_and_visibility(visibility: Path, tmp_path: Path) -> None:
    (read,) = read_examples(parquet(tmp_path / "test.parquet", "a/2.png"), read_visibilities(visibility))
    assert (read.ground_truth, read.visibility, read.picture.size) == (DUCK, Visibility.HIDDEN, (56, 56))


def test_examples_of_another_world_are_refused(visibility: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b/9\.png is not in the images\.txt"):
        read_examples(parquet(tmp_path / "test.parquet", "b/9.png"), read_visibilities(visibility))


def test_a_parquet_of_another_project_is_refused(visibility: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "other.parquet")
    with pytest.raises(DataContractError, match="not written by data_prep"):
        read_examples(tmp_path / "other.parquet", read_visibilities(visibility))
