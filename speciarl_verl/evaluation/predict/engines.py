"""From a run's manifest to the engine that predicts it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.predict.adapter import adapter_rank, as_peft
from speciarl_verl.evaluation.predict.server_engine import ServerEngine, ServerSettings
from speciarl_verl.evaluation.predict.vllm_engine import VllmEngine
from speciarl_verl.evaluation.predict.vllm_messages import VllmSettings
from speciarl_verl.evaluation.run import EngineKind, PredictSettings, Run
from speciarl_verl.prompts import load_prompt

LOG = "vllm.log"


@dataclass(frozen=True)
class Resources:
    """How much is used at once and how patiently; none of it changes what comes out.

    Attributes:
        data_parallel: vLLM engines, one a GPU.
        server: of predicting with a server; its address and model are the run's.
    """

    data_parallel: int = 1
    server: ServerSettings = field(default_factory=lambda: ServerSettings(url=""))


def build_engine(run: Run, resources: Resources, folder: Path) -> ServerEngine | VllmEngine:
    """Start the engine. What it leaves behind (a converted adapter, vLLM's log) goes into `folder`.

    Raises:
        EvaluationError: it does not start, or the server does not serve the model.
    """
    settings = run.settings
    prompt = load_prompt(settings.prompt or "")
    if settings.engine is EngineKind.SERVER:
        server = replace(resources.server, url=run.server or "", model=settings.model, body=settings.engine_args)
        return ServerEngine(server, settings, prompt, settings.budget, settings.patch_size)
    return VllmEngine(_vllm_settings(settings, folder, prompt), resources.data_parallel)


def _vllm_settings(settings: PredictSettings, folder: Path, prompt: str) -> VllmSettings:
    if settings.model is None:
        raise EvaluationError("--model is missing")
    adapter = rank = None
    if settings.adapter is not None:
        adapter = str(as_peft(Path(settings.adapter), folder / "adapter"))
        rank = adapter_rank(Path(adapter))
    return VllmSettings(
        settings.model, prompt, settings, settings.budget, str(folder / LOG), adapter, rank, settings.engine_args
    )
