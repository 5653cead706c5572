"""A made-up run, and headless Chromium."""

from pathlib import Path

import pytest

from tests.evaluation.error_browser.conftest import reader  # noqa: F401
from tests.run_report.made_run import make_run


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")
