"""What passes through the pipe between `vllm_engine` and its workers, besides pictures. No torch, no vLLM."""

from dataclasses import dataclass

from speciarl_verl.evaluation.predict.engine import PictureResponses
from speciarl_verl.evaluation.run import PredictSettings


@dataclass(frozen=True)
class VllmSettings:
    """What a worker builds its engine of.

    Attributes:
        run: the run's settings; their `engine_args` are of `vllm.LLM`, over the defaults.
        prompt: its text.
        log: file to which vLLM's own output goes.
        adapter: PEFT folder, and its rank.
        window: pictures in flight in one worker.
    """

    run: PredictSettings
    prompt: str
    log: str
    adapter: str | None = None
    adapter_rank: int | None = None
    window: int = 256


@dataclass(frozen=True)
class Ready:
    """A worker's engine is up."""


@dataclass(frozen=True)
class Broken:
    """A worker's engine is down, with the reason in one line."""

    reason: str


Report = Ready | Broken | PictureResponses
