"""The data set adapter on top of verl's: it needs torch and verl, no GPU."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf
from PIL import Image
from verl.utils.dataset import rl_dataset

from data_prep.size import Size
from speciarl_verl.data_contract import SCHEMA, check_parquet
from speciarl_verl.errors import DataContractError, InputError
from speciarl_verl.prompts import load_prompt, prompt_names


def _rows(labels: list[str | None]) -> list[dict[str, Any]]:
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
    )
    return [
        {
            "data_source": "cub",
            "prompt": [{"role": "user", "content": "<image>Default prompt."}],
            "images": [{"bytes": png, "path": None}],
            "ability": "classification",
            "reward_model": {"style": "judge", "ground_truth": label},
            "extra_info": {"split": "train", "index": i, "file_name": "a.png", "label_id": 0, "content_hash": "00"},
        }
        for i, label in enumerate(labels)
    ]


def _write(path: Path, labels: list[str | None], schema: pa.Schema = SCHEMA) -> str:
    pq.write_table(pa.Table.from_pylist(_rows(labels), schema=schema), path)
    return str(path)


def _config(tmp_path: Path, **speciarl: Any) -> Any:
    return OmegaConf.create({"cache_dir": str(tmp_path), "filter_overlong_prompts": False, "speciarl": speciarl})


def _open(path: str, config: Any) -> Any:
    from speciarl_verl.plugin.dataset import SpeciaRLDataset

    # The messages are built without the processor; verl only asserts that there is one.
    return SpeciaRLDataset(path, tokenizer=None, config=config, processor=object())


def test_item_carries_named_prompt_after_image(tmp_path: Path) -> None:
    dataset = _open(_write(tmp_path / "a.parquet", ["Robin", "Wren"]), _config(tmp_path, prompt="short"))
    item = dataset[1]
    image, text = item["raw_prompt"][0]["content"]
    assert (len(dataset), len(item["raw_prompt"]), item["raw_prompt"][0]["role"]) == (2, 1, "user")
    assert set(image) == {"type", "image"}
    assert image["image"].size == (1, 1)
    assert text == {"type": "text", "text": load_prompt("short")}
    assert item["reward_model"]["ground_truth"] == "Wren"
    assert item["index"] == 1


def test_row_without_a_picture_is_named(tmp_path: Path) -> None:
    rows = [{**row, "images": []} for row in _rows(["Robin"])]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="row 0 has no picture"):
        _open(str(tmp_path / "a.parquet"), _config(tmp_path))[0]


@pytest.mark.parametrize("node", [{}, {"prompt": None}])
def test_prompt_defaults_to_train(tmp_path: Path, node: dict[str, Any]) -> None:
    dataset = _open(_write(tmp_path / "a.parquet", ["Robin"]), _config(tmp_path, **node))
    assert dataset[0]["raw_prompt"][0]["content"][1]["text"] == load_prompt("train")


def test_prompt_is_read_from_users_file(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("Which bird?\r\n", encoding="utf-8")
    dataset = _open(_write(tmp_path / "a.parquet", ["Robin"]), _config(tmp_path, prompt=str(tmp_path / "mine.txt")))
    assert dataset[0]["raw_prompt"][0]["content"][1]["text"] == "Which bird?"


def test_stock_dataset_loads_the_same_file(tmp_path: Path) -> None:
    dataset = rl_dataset.RLHFDataset(
        _write(tmp_path / "a.parquet", ["Robin"]), tokenizer=None, config=_config(tmp_path), processor=object()
    )
    image, text = dataset[0]["raw_prompt"][0]["content"]
    assert image["image"].size == (1, 1)
    assert text["text"] == "Default prompt."


def test_what_data_prep_writes_loads_in_both(tmp_path: Path) -> None:
    from data_prep.options import Request
    from data_prep.pictures.settings import Settings
    from data_prep.prepare import prepare
    from data_prep.readers.folder import FolderReader
    from data_prep.sampling import Sampling

    (tmp_path / "source" / "wren").mkdir(parents=True)
    for number in range(4):
        Image.new("RGB", (56, 40 + number), (number, 90, 90)).save(tmp_path / "source" / "wren" / f"{number}.jpg")
    sampling = Sampling(val_size=Size.parse("0", ""), test_size=Size.parse("0", ""))
    source, out = tmp_path / "source", tmp_path / "out"
    prepare(FolderReader(), Request(str(source), out, sampling, Settings(), split_file=None, workers=1))
    path = str(tmp_path / "out" / "train.parquet")
    stock = rl_dataset.RLHFDataset(path, tokenizer=None, config=_config(tmp_path), processor=object())
    ours = _open(path, _config(tmp_path, prompt="short"))
    for number in range(4):
        shown = [dataset[number]["raw_prompt"][0]["content"] for dataset in (stock, ours)]
        assert shown[0][0]["image"].size == shown[1][0]["image"].size
        assert [content[1]["text"] for content in shown] == [load_prompt("train"), load_prompt("short")]
        assert ours[number]["reward_model"]["ground_truth"] == "wren"


def test_verl_finds_the_class_by_its_configured_path() -> None:
    config = OmegaConf.create({"custom_cls": {"path": "pkg://speciarl_verl.plugin.dataset", "name": "SpeciaRLDataset"}})
    assert rl_dataset.get_dataset_class(config).__name__ == "SpeciaRLDataset"


def test_unknown_key_of_the_node_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.speciarl\.promt: unknown key"):
        _open(_write(tmp_path / "a.parquet", ["Robin"]), _config(tmp_path, promt="short"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "not a readable", id="missing"),
        pytest.param(b" \n", "is empty", id="empty"),
        pytest.param(b"\xff\xfe\x00", "not a readable", id="not-text"),
        pytest.param(b"<image> again", "contains <image>", id="placeholder"),
    ],
)
def test_prompt_file_with_a_fault_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "mine.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_prompt(str(path))


def test_unknown_prompt_is_refused_with_the_names() -> None:
    with pytest.raises(InputError, match="unknown prompt 'calibratd': take one of be-specific, calibrated"):
        load_prompt("calibratd")


def test_every_prompt_asks_for_the_answer_tag() -> None:
    assert set(prompt_names()) == {
        "be-specific",
        "calibrated",
        "elimination",
        "high-precision",
        "max-correctness",
        "max-specificity",
        "short",
        "train",
    }
    for name in prompt_names():
        assert "<answer>" in load_prompt(name)


class TestCheckParquet:
    def test_contract_file_passes(self, tmp_path: Path) -> None:
        check_parquet(_write(tmp_path / "a.parquet", ["Robin"]))

    def test_foreign_parquet_is_refused(self, tmp_path: Path) -> None:
        path = _write(tmp_path / "a.parquet", ["Robin"], SCHEMA.remove_metadata())
        with pytest.raises(DataContractError, match=r"a\.parquet: not written by data_prep"):
            check_parquet(path)

    def test_other_contract_version_is_refused(self, tmp_path: Path) -> None:
        path = _write(tmp_path / "a.parquet", ["Robin"], SCHEMA.with_metadata({"speciarl.contract": "9"}))
        with pytest.raises(DataContractError, match="written under data contract 9"):
            check_parquet(path)

    @pytest.mark.parametrize("column", SCHEMA.names)
    def test_missing_column_is_named(self, tmp_path: Path, column: str) -> None:
        path = _write(tmp_path / "a.parquet", ["Robin"], SCHEMA.remove(SCHEMA.get_field_index(column)))
        with pytest.raises(DataContractError, match=f"column '{column}' is missing"):
            check_parquet(path)

    def test_wrong_column_type_is_named(self, tmp_path: Path) -> None:
        schema = SCHEMA.set(3, pa.field("ability", pa.large_string()))
        with pytest.raises(DataContractError, match="column 'ability' is large_string, not string"):
            check_parquet(_write(tmp_path / "a.parquet", ["Robin"], schema))

    @pytest.mark.parametrize("label", [None, "", "  "])
    def test_row_without_ground_truth_is_named(self, tmp_path: Path, label: str | None) -> None:
        with pytest.raises(DataContractError, match=r"row 1 has no ground truth in reward_model"):
            check_parquet(_write(tmp_path / "a.parquet", ["Robin", label]))

    def test_empty_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataContractError, match="has no rows"):
            check_parquet(_write(tmp_path / "a.parquet", []))

    @pytest.mark.parametrize("content", [None, b"", b"PAR1 no more"])
    def test_unreadable_file_is_refused_in_one_line(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "a.parquet"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataContractError, match=r"a\.parquet: no") as caught:
            check_parquet(str(path))
        assert "\n" not in str(caught.value)

    def test_dataset_refuses_what_the_check_refuses(self, tmp_path: Path) -> None:
        with pytest.raises(DataContractError, match="row 0"):
            _open(_write(tmp_path / "a.parquet", [None]), _config(tmp_path))
