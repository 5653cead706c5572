"""The typed form of the `speciarl:` node of a composed configuration; unknown keys are refused."""

import math
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    ValidationError,
    model_validator,
)

from speciarl_verl.errors import ConfigError
from speciarl_verl.judge.judge_config import RunJudgeConfig
from speciarl_verl.judge.response import AnswerConfig
from speciarl_verl.method.rules import FORMAT_REWARD, RewardMode, RewardName, check_rule
from speciarl_verl.named_function import FUNCTION_PATH

_REWARD_STEP = 2.0**-16


def exact_in_sums(reward: float) -> float:
    """The nearest multiple of 2^-16 below.

    verl takes a group for one without signal when its rewards' deviation is exactly 0, and divides by it otherwise. Of
    such a number, up to 256 equal rewards have that number for their mean, in float32 too; of 2/3 they may not.
    """
    return math.floor(reward / _REWARD_STEP) * _REWARD_STEP


ExactReward = Annotated[float, Field(allow_inf_nan=False), AfterValidator(exact_in_sums)]


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OverlongConfig(_Node):
    """DAPO's soft penalty: 0 up to `max - buffer_tokens` response tokens, then linearly down to `-factor`."""

    enable: bool = False
    buffer_tokens: int = Field(default=512, gt=0)
    factor: float = Field(default=1.0, ge=0)


class RewardConfig(_Node):
    """Which rule rewards a group; see `group_reward`.

    Attributes:
        rule: the name of one of the method's, or a function of the user's own, `package.module:function`.
        reliability: what a true answer below the bar earns, in [0, 1); rounded down, as `format_reward` is, to a
            multiple of 2^-16.
        support: how many rollouts must reach the bar, or which share of the parseable ones.
        judge_noise: share of the verdicts, in [0, 1], that move one step before the group; drawn by `speciarl.seed`,
            step, image and rollout. Training only.
    """

    rule: RewardName | Annotated[str, Field(pattern=FUNCTION_PATH)] = "dynamic"
    mode: RewardMode = "all"
    format_reward: ExactReward = FORMAT_REWARD
    reliability: ExactReward = 0.0
    support: StrictInt | StrictFloat = 1
    judge_noise: float = Field(default=0.0, ge=0, le=1)
    overlong: OverlongConfig = OverlongConfig()

    @model_validator(mode="after")
    def _go_together(self) -> "RewardConfig":
        check_rule(self.rule, self.mode, self.reliability, self.support)
        return self


class SpeciaRLConfig(_Node):
    """Everything under `speciarl:`.

    Attributes:
        seed: of the data order, vLLM's sampling, the actor and the judge noise.
        group_timeout_s: how long a judged rollout waits for its siblings, in seconds.
        share_preparation: decode, tokenise and process a picture once for all rollouts of its group, send on of its row
            only what is read later, and the group in one message; false takes verl's own way.
        rollouts_dir: where each step's judged rollouts are written as JSONL; null writes none.
        rollout_texts: of how many pictures a step the responses themselves are written too, 4,000 characters each.
        judge_account: the JSON file that tells what the judging cost so far; null writes none.
        stop_file: where this file is found when a step ends, the run saves a checkpoint and ends; null looks for none.
    """

    seed: int = 42
    reward: RewardConfig = RewardConfig()
    answer: AnswerConfig = AnswerConfig()
    judge: RunJudgeConfig
    group_timeout_s: float = Field(default=1800.0, gt=0)
    share_preparation: bool = True
    rollouts_dir: str | None = None
    rollout_texts: int = Field(default=8, ge=0)
    judge_account: str | None = None
    stop_file: str | None = None
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
