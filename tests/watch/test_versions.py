"""What a run was made with, kept beside its metrics."""

import json
from importlib.metadata import version
from pathlib import Path

from speciarl_verl.watch.versions import VERSIONS_SUFFIX, versions, write_versions


def test_versions_are_those_of_the_environment_and_nothing_absent_is_named() -> None:
    found = versions()
    assert found["verl"] == version("verl")
    assert found["torch"] == version("torch")
    assert "sglang" not in found
    assert all(found.values())


def test_versions_lie_beside_the_metrics_of_their_launch(tmp_path: Path) -> None:
    write_versions(tmp_path / "20261127T120000Z.jsonl")
    assert json.loads((tmp_path / f"20261127T120000Z{VERSIONS_SUFFIX}").read_text()) == versions()
