"""Where the judge is that verl hosts, and how the agent loops learn it.

verl's V1 trainer starts the judge's servers and a router before them in its `RewardLoopManager`, ahead of the agent
loops, and tells the router's address to its reward workers only. The agent-loop manager is given those workers: it asks
one of them, and hands its own workers a configuration in which the judge is a server with a URL.
Config keys: `speciarl.judge`, `reward.reward_model.*`.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from omegaconf import DictConfig, OmegaConf

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.build import check_judge
from speciarl_verl.judge.judge_config import HostedJudgeConfig, ServerJudgeConfig


async def locate(judge: HostedJudgeConfig, reward_workers: Sequence[Any]) -> ServerJudgeConfig:
    """Turn the hosted judge into a server judge at the address of verl's router.

    Args:
        reward_workers: verl's `RewardLoopWorker` actors; they exist once the judge's servers answer.

    Raises:
        JudgeError: verl hosts no model.
    """
    address = await reward_workers[0].__ray_call__.remote(_router_address) if reward_workers else None
    if not address:
        raise JudgeError("verl hosts no judge: reward.reward_model.enable and its enable_resource_pool must be true")
    # The address comes without a scheme.
    return judge.at(f"http://{address}")


async def check_hosted(judge: ServerJudgeConfig) -> None:
    """Have one pair judged.

    Raises:
        JudgeError: it was not; with what to look at, as verl's router answers 500 to whatever its servers refuse.
    """
    try:
        await check_judge(judge)
    except JudgeError as error:
        raise JudgeError(
            f"{error} verl hosts this judge, and its router does not pass on what the server says: check "
            "reward.reward_model.model_path (a chat model with its template?) and "
            "reward.reward_model.rollout.max_model_len (room for the rubric?)"
        ) from error


def with_judge(config: DictConfig, judge: ServerJudgeConfig) -> DictConfig:
    """A copy of the run's configuration with another judge in it."""
    copy = deepcopy(config)
    OmegaConf.update(copy, "speciarl.judge", judge.model_dump(mode="json"), merge=False, force_add=True)
    return copy


def _router_address(worker: Any) -> str | None:
    return worker.reward_router_address
