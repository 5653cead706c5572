from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from speciarl_verl.data_contract import CONTRACT_KEY, SCHEMA, check_parquet
from speciarl_verl.errors import DataContractError
from tests.evaluation.small_set import write_set


def changed(path: Path, fault: str) -> Path:
    """A parquet of the contract, with one thing that is not."""
    table = pq.read_table(write_set(path, ["Wren", " "] if fault == "blank label" else ["Wren", "Robin"]))
    if fault == "column missing":
        table = table.drop_columns(["ability"])
    elif fault == "column of another type":
        table = table.set_column(3, "ability", pa.array([1, 2]))
    elif fault == "no label":
        rows = table.to_pylist()
        rows[1]["reward_model"] = None
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
    elif fault == "no rows":
        table = table.slice(0, 0)
    version = {"another version": b"99"}.get(fault, b"1")
    metadata = {} if fault == "another project" else {CONTRACT_KEY: version}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


def test_what_is_of_the_contract_passes(tmp_path: Path) -> None:
    check_parquet(write_set(tmp_path / "a.parquet", ["Wren"]))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("another project", "data_prep"),
        ("another version", "data contract 99"),
        ("column missing", "column 'ability' is missing"),
        ("column of another type", "column 'ability' is int64, not string"),
        ("no rows", "has no rows"),
        ("no label", "row 1 has no ground truth"),
        ("blank label", "row 1 has no ground truth"),
    ],
)
def test_what_is_not_is_refused_in_one_line_with_the_cure(tmp_path: Path, fault: str, words: str) -> None:
    path = changed(tmp_path / "a.parquet", fault)
    with pytest.raises(DataContractError, match=words) as refused:
        check_parquet(str(path))
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 and no more"], ids=["missing", "empty", "torn"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataContractError, match=r"a\.parquet"):
        check_parquet(str(path))
