"""The one scorer of this process: the agent loop and the reward manager ask for it with the run's configuration."""

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from omegaconf import DictConfig, OmegaConf

from speciarl_verl.config.schema import SpeciaRLConfig, parse_config
from speciarl_verl.judge.build import build_auditor, build_judge
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.plugin.trainer_mail import AccountPublisher
from speciarl_verl.rollout.scorer import GroupScorer
from speciarl_verl.rollout.siblings import SameObjects


@dataclass(frozen=True)
class ProcessScorer:
    """What all rollouts of one process share: their scorer, and the account that tells what their judging cost."""

    scorer: GroupScorer
    account: AccountPublisher


@lru_cache(maxsize=1)
def _parsed(key: SameObjects) -> SpeciaRLConfig:
    config = cast(DictConfig, key.objects[0])
    return parse_config(OmegaConf.to_container(config.speciarl, resolve=True))


@lru_cache(maxsize=1)
def _process_scorer(config: SpeciaRLConfig) -> ProcessScorer:
    ledger = Ledger()
    judge = build_judge(config.judge, ledger, config.answer)
    auditor = build_auditor(config.judge, ledger, config.seed, config.answer.normalise)
    return ProcessScorer(GroupScorer(config, judge, auditor), AccountPublisher(ledger))


def run_config(config: DictConfig) -> SpeciaRLConfig:
    """The `speciarl:` node of the whole configuration, parsed once: each time anew costs more than judging."""
    return _parsed(SameObjects((config,)))


def process_scorer(config: DictConfig) -> ProcessScorer:
    """The one scorer of this process, for the whole configuration of the run."""
    return _process_scorer(run_config(config))
