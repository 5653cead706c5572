import json
from pathlib import Path

import pytest
from transformers import AutoModelForImageTextToText, AutoProcessor

from recipes.quickstart import evaluate
from speciarl_verl.evaluation.opened import Expected
from speciarl_verl.evaluation.pictures import read_pictures
from speciarl_verl.evaluation.predict.external import read_external
from tests.evaluation.small_set import write_set


def test_predictions_are_those_that_the_product_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_set(tmp_path / "test.parquet", ["Scarlet crowned Duck", "Azure crowned Owl"])
    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", lambda *_, **__: FakePolicy())
    monkeypatch.setattr(AutoProcessor, "from_pretrained", lambda *_, **__: None)
    monkeypatch.setattr(evaluate, "respond", lambda _model, _processor, pictures, _: [str(p.size) for p in pictures])
    evaluate.main(tmp_path, Path(data), tmp_path / "said.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert [line["image"] for line in lines] == ["000.png", "001.png"]
    predictions = read_external(tmp_path / "said.jsonl", Expected(read_pictures([data]), 1), allow_missing=False)
    assert [one.response for one in predictions] == ["(56, 56)"] * 2


class FakePolicy:
    """Stands in for the model."""

    def eval(self) -> "FakePolicy":
        """It is always."""
        return self
