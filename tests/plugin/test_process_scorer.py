from collections.abc import Iterator

import pytest
from omegaconf import OmegaConf

from speciarl_verl.errors import ConfigError
from speciarl_verl.plugin import process_scorer as module
from speciarl_verl.plugin.process_scorer import process_scorer, run_config


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    module._process_scorer.cache_clear()
    yield
    module._process_scorer.cache_clear()


def configuration(**changes: object) -> object:
    return OmegaConf.create({"speciarl": {"judge": {"name": "taxonomy"}, **changes}})


def test_all_rollouts_of_a_process_share_one_scorer() -> None:
    config = configuration()
    assert process_scorer(config) is process_scorer(config)
    # verl hands each worker a copy.
    assert process_scorer(configuration()) is process_scorer(config)


def test_another_configuration_gets_another_scorer() -> None:
    assert process_scorer(configuration()) is not process_scorer(configuration(seed=7))


def test_the_configuration_is_parsed_once_and_checked() -> None:
    config = configuration(seed=7)
    assert run_config(config) is run_config(config)
    assert run_config(config).seed == 7
    with pytest.raises(ConfigError, match=r"speciarl\.sed"):
        run_config(configuration(sed=7))
