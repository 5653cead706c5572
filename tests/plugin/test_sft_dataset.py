"""What verl's SFT trainer gets of our parquet: the picture and the prompt, and a reply of which alone it learns."""

import io
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf
from PIL import Image

from recipes.quickstart.policy import build_processor, build_tokenizer
from speciarl_verl.data_contract import SCHEMA
from speciarl_verl.errors import DataContractError, InputError
from speciarl_verl.evaluation.records import Judged, Prediction, SampleKey
from speciarl_verl.evaluation.store import verdicts_journal
from speciarl_verl.method.category import Category

LABELS = ["Scarlet crowned Duck", "Azure crowned Owl"]


def write(path: Path, schema: pa.Schema = SCHEMA) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (56, 56), "navy").save(buffer, "PNG")
    rows = [
        {
            "data_source": "cub",
            "prompt": [{"role": "user", "content": "<image>Default prompt."}],
            "images": [{"bytes": buffer.getvalue(), "path": None}],
            "ability": "classification",
            "reward_model": {"style": "judge", "ground_truth": label},
            "extra_info": {"split": "train", "index": i, "file_name": f"{i}.png", "label_id": i, "content_hash": "00"},
        }
        for i, label in enumerate(LABELS)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return str(path)


def judged_run(folder: Path) -> str:
    key = SampleKey("cub", "1.png", 0)
    response = "<think>Look at shape and crown.</think><answer>Azure Owl</answer>"
    journal = verdicts_journal(folder)
    journal.append([Judged(Prediction(key, LABELS[1], response), "Azure Owl", Category.SPECIFIC)])
    return str(folder)


def open_set(path: str, **speciarl: Any) -> Any:
    from speciarl_verl.plugin.sft_dataset import SpeciaRLSFTDataset

    config = OmegaConf.create(
        {"pad_mode": "no_padding", "max_length": 128, "speciarl": {"prompt": "short", **speciarl}}
    )
    processor = build_processor(build_tokenizer())
    return SpeciaRLSFTDataset(path, processor.tokenizer, config, processor)


def parts(dataset: Any, index: int) -> tuple[str, str]:
    """The text that is given and the text that is learnt, of one row."""
    item = dataset[index]
    learnt = item["loss_mask"].bool()
    decode = dataset.tokenizer.decode
    return decode(item["input_ids"][~learnt]), decode(item["input_ids"][learnt])


def test_the_answer_alone_is_learnt_after_picture_and_prompt(tmp_path: Path) -> None:
    dataset = open_set(write(tmp_path / "a.parquet"))
    assert len(dataset) == 2
    given, learnt = parts(dataset, 1)
    assert given.startswith("<|im_start|>user\n<|vision_start|><|image_pad|>")
    assert given.endswith("What is this? Answer inside <answer>.<|im_end|>\n<|im_start|>assistant\n")
    assert learnt.strip() == "<answer>Azure crowned Owl</answer><|im_end|>"
    item = dataset[1]
    assert item["position_ids"].shape == (4, len(item["input_ids"]))
    assert set(item["multi_modal_inputs"]) >= {"pixel_values", "image_grid_thw"}


def test_accepted_thinking_comes_before_the_true_answer_and_the_rest_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        dataset = open_set(write(tmp_path / "a.parquet"), thinking=judged_run(tmp_path))
    assert len(dataset) == 1
    assert "1 of 2 pictures have no accepted thinking: left out" in caplog.text
    _, learnt = parts(dataset, 0)
    assert learnt.strip() == "<think>Look at shape and crown.</think><answer>Azure crowned Owl</answer><|im_end|>"


def test_nothing_accepted_is_refused(tmp_path: Path) -> None:
    (tmp_path / "verdicts.jsonl").touch()
    with pytest.raises(InputError, match="no picture has accepted thinking"):
        open_set(write(tmp_path / "a.parquet"), thinking=str(tmp_path))


def test_a_foreign_parquet_and_an_unknown_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataContractError, match="not written by data_prep"):
        open_set(write(tmp_path / "a.parquet", SCHEMA.remove_metadata()))
    with pytest.raises(InputError, match=r"data\.speciarl\.thoughts: unknown key"):
        open_set(write(tmp_path / "b.parquet"), thoughts="x")
