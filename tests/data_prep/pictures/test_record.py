"""A row of the record contract."""

from pathlib import Path

from data_prep.listing import Example, FileStore, Listing
from data_prep.pictures.record import record_batch
from data_prep.pictures.shard import Checked
from speciarl_verl.data_contract import SCHEMA


def test_record_holds_what_the_contract_says() -> None:
    example = Example("a/b.jpg", 1, "test")
    listing = Listing("cub", ("wren", "robin"), (example,), FileStore(Path()))
    batch = record_batch("val", listing, "What?", [Checked(7, example, "ab", 3, None)], [b"jpg"])
    assert batch.schema.equals(SCHEMA, check_metadata=True)
    assert batch.to_pylist() == [
        {
            "data_source": "cub",
            "prompt": [{"role": "user", "content": "<image>What?"}],
            "images": [{"bytes": b"jpg", "path": None}],
            "ability": "classification",
            "reward_model": {"style": "judge", "ground_truth": "robin"},
            "extra_info": {"split": "val", "index": 7, "file_name": "a/b.jpg", "label_id": 1, "content_hash": "ab"},
        }
    ]
