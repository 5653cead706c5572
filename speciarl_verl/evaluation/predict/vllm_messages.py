"""What passes through the pipe between `vllm_engine` and its workers, besides pictures. No torch, no vLLM."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from speciarl_verl.evaluation.pictures import PixelBudget
from speciarl_verl.evaluation.predict.engine import PictureResponses
from speciarl_verl.evaluation.run import PredictSettings


@dataclass(frozen=True)
class VllmSettings:
    """What a worker builds its engine of.

    Attributes:
        adapter: PEFT folder, and its rank.
        engine_args: of `vllm.LLM`, over the defaults.
        log: file to which vLLM's own output goes.
        window: pictures in flight in one worker.
    """

    model: str
    prompt: str
    sampling: PredictSettings
    budget: PixelBudget
    log: str
    adapter: str | None = None
    adapter_rank: int | None = None
    engine_args: Mapping[str, Any] = field(default_factory=dict)
    window: int = 256


@dataclass(frozen=True)
class Ready:
    """A worker's engine is up."""


@dataclass(frozen=True)
class Broken:
    """A worker's engine is down, with the reason in one line."""

    reason: str


Report = Ready | Broken | PictureResponses
