"""The function of the library; what the command makes of it is in tests/cli/test_name.py."""

import tempfile
from pathlib import Path

import pytest

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.predict.request import PredictRequest
from speciarl_verl.evaluation.predict.server_engine import ServerSettings
from speciarl_verl.evaluation.predict.stage import Resources
from speciarl_verl.trained.naming import Named, name_pictures
from tests.evaluation.small_set import png
from tests.evaluation.vision_server import choices, running, shade


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    paths = [tmp_path / f"{number}.png" for number in (3, 1, 2)]
    for path in paths:
        path.write_bytes(png(int(path.stem)))
    return [str(path) for path in paths]


def test_a_picture_that_is_there_twice_is_asked_once(pictures: list[str]) -> None:
    with running() as server:
        server.respond = lambda body: choices(f"<answer>bird {shade(body)}</answer>")
        named = name_pictures([*pictures, pictures[0]], PredictRequest(server=server.url), Resources())
    assert named == [
        Named(path, f"bird {n}", None, f"<answer>bird {n}</answer>")
        for path, n in zip(pictures, (3, 1, 2), strict=True)
    ]
    assert len(server.requests) == 3
    assert not list(Path(tempfile.gettempdir()).glob("speciarl-*"))


def test_what_is_left_of_a_failure_is_kept_for_whoever_looks(pictures: list[str]) -> None:
    with running() as server:
        server.respond = lambda body: (400, {"error": {"message": "too large"}})
        with pytest.raises(EvaluationError, match=r"\.png: .*too large"):
            name_pictures(
                pictures, PredictRequest(server=server.url), Resources(server=ServerSettings(url="", budget_s=1))
            )
    assert len(list(Path(tempfile.gettempdir()).glob("speciarl-*"))) == 1
