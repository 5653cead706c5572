"""The one scorer of this process: the agent loop and the reward manager ask for it with the run's configuration."""

from dataclasses import dataclass
from functools import lru_cache

from omegaconf import DictConfig, OmegaConf

from speciarl_verl.config.schema import SpeciaRLConfig, parse_config
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.plugin.trainer_mail import AccountPublisher
from speciarl_verl.rollout.scorer import GroupScorer


@dataclass(frozen=True)
class ProcessScorer:
    """What all rollouts of one process share: their scorer, and the account that tells what their judging cost."""

    scorer: GroupScorer
    account: AccountPublisher


@dataclass(frozen=True, eq=False)
class _SameObject:
    """A key for caches: equal only where the object is the very same."""

    config: DictConfig

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameObject) and self.config is other.config

    def __hash__(self) -> int:
        return id(self.config)


@lru_cache(maxsize=1)
def _parsed(key: _SameObject) -> SpeciaRLConfig:
    return parse_config(OmegaConf.to_container(key.config.speciarl, resolve=True))


@lru_cache(maxsize=1)
def _process_scorer(config: SpeciaRLConfig) -> ProcessScorer:
    ledger = Ledger()
    return ProcessScorer(
        GroupScorer(config, build_judge(config.judge, ledger, config.answer)), AccountPublisher(ledger)
    )


def process_scorer(config: DictConfig) -> ProcessScorer:
    """The one scorer of this process, for the whole configuration of the run."""
    # Reading the configuration anew for each rollout takes longer than judging a known pair.
    return _process_scorer(_parsed(_SameObject(config)))
