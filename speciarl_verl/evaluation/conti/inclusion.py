"""LI: an LLM says whether a prediction includes the label, yes or no, as a judge with the rubric `inclusion`."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import ValidationError

from speciarl_verl.errors import EvaluationError
from speciarl_verl.judge.fast_path import FastPathJudge
from speciarl_verl.judge.judge_config import JUDGE_KEYS, ServerJudgeConfig
from speciarl_verl.judge.llm.llm_judge import ServerJudge
from speciarl_verl.judge.many import judge_all
from speciarl_verl.judge.protocol import Judge, Pair
from speciarl_verl.method.category import Category

RUBRIC = "inclusion"
"""The shipped rubric, whose menu is yes (S) and no (W)."""
INCLUSION_FLAGS = replace(JUDGE_KEYS, server="inclusion server", url="--inclusion-url", model="--inclusion-model")


def inclusion_config(url: str, model: str | None) -> ServerJudgeConfig:
    """What the flags say.

    Raises:
        EvaluationError: the address cannot be used.
    """
    try:
        return ServerJudgeConfig(url=url, model=model, prompt=RUBRIC)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise EvaluationError(f"{INCLUSION_FLAGS.url}: {fault}") from None


def inclusion_judge(config: ServerJudgeConfig) -> Judge:
    """The LLM, which says yes where it gives `SPECIFIC`. Nothing is sent yet."""
    return FastPathJudge(ServerJudge(config, names=INCLUSION_FLAGS))


async def judge_inclusions(judge: Judge, pairs: Sequence[Pair]) -> list[bool]:
    """Ask about all pairs, in order, and close the judge.

    Raises:
        JudgeError: one of them got no answer; the others are given up.
    """
    try:
        return [verdict.category is Category.SPECIFIC for verdict in await judge_all(judge, pairs)]
    finally:
        await judge.close()
