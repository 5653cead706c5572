"""The typed form of the `speciarl:` node of a composed configuration; unknown keys are refused."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from speciarl_verl.errors import ConfigError
from speciarl_verl.judge.judge_config import RunJudgeConfig
from speciarl_verl.method.answer import DEFAULT_MAX_WORDS
from speciarl_verl.method.rules import FORMAT_REWARD, RewardMode, RewardName


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OverlongConfig(_Node):
    """DAPO's soft penalty: 0 up to `max - buffer_tokens` response tokens, then linearly down to `-factor`."""

    enable: bool = False
    buffer_tokens: int = Field(default=512, gt=0)
    factor: float = Field(default=1.0, ge=0)


class RewardConfig(_Node):
    """Which rule rewards a group."""

    rule: RewardName = "dynamic"
    mode: RewardMode = "all"
    format_reward: float = FORMAT_REWARD
    overlong: OverlongConfig = OverlongConfig()

    @model_validator(mode="after")
    def _single_is_dynamic(self) -> "RewardConfig":
        if self.mode == "single" and self.rule != "dynamic":
            raise ValueError(f"mode=single belongs to rule=dynamic, not to rule={self.rule}")
        return self


class AnswerConfig(_Node):
    """What counts as an answer."""

    max_words: int = Field(default=DEFAULT_MAX_WORDS, gt=0)


class SpeciaRLConfig(_Node):
    """Everything under `speciarl:`.

    Attributes:
        seed: of the data order, vLLM's sampling and the actor.
        group_timeout_s: how long a judged rollout waits for its siblings, in seconds.
        rollouts_dir: where each step's judged rollouts are written as JSONL; null writes none.
        judge_account: the JSON file that tells what the judging cost so far; null writes none.
    """

    seed: int = 42
    reward: RewardConfig = RewardConfig()
    answer: AnswerConfig = AnswerConfig()
    judge: RunJudgeConfig
    group_timeout_s: float = Field(default=1800.0, gt=0)
    rollouts_dir: str | None = None
    judge_account: str | None = None
    profile: Literal["cpu", "gpu"] = "gpu"


def parse_config(node: object) -> SpeciaRLConfig:
    """Check the plain data of the `speciarl:` node.

    Raises:
        ConfigError: naming the first key that is unknown or has a value of the wrong kind.
    """
    if node is None:
        raise ConfigError("the configuration has no `speciarl:` node: start from the preset `+speciarl=train`")
    try:
        return SpeciaRLConfig.model_validate(node)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(["speciarl", *(str(part) for part in first["loc"])])
        # The judge's settings are named, not quoted, nor is the cause: a rejected one may hold a secret.
        if "judge" in first["loc"]:
            raise ConfigError(f"{key}: {first['msg']}") from None
        raise ConfigError(f"{key}: {first['msg']} (got {first['input']!r})") from error
