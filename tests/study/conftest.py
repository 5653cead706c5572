"""A policy of the study with random weights, and the taxonomy, for all tests that need no trained one."""

import json
from pathlib import Path

import pytest

from recipes.quickstart.policy import build_model, build_processor
from recipes.study.answers import Answerer
from recipes.study.language import build_study_tokenizer
from recipes.study.scoring import Scorer
from recipes.study.world import taxonomy
from speciarl_verl.files import write_text


@pytest.fixture(scope="session")
def answerer() -> Answerer:
    tokenizer = build_study_tokenizer()
    return Answerer(build_model(tokenizer, seed=0), build_processor(tokenizer))


@pytest.fixture(scope="session")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    path: Path = tmp_path_factory.mktemp("study") / "taxonomy.json"
    write_text(path, json.dumps(taxonomy()))
    return Scorer(path)
