"""`run.json`: everything that changes what a run's predictions are, written once and compared at every restart."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from speciarl_verl.errors import EvaluationError, InputError
from speciarl_verl.evaluation.pictures import DataFile
from speciarl_verl.evaluation.store import first_fault
from speciarl_verl.files import read_text, write_text

RUN = "run.json"
Model = TypeVar("Model", bound=BaseModel)


class EngineKind(str, Enum):
    """Where the predictions come from."""

    VLLM = "vllm"
    SERVER = "server"
    FILE = "file"


class PredictSettings(BaseModel):
    """What the predictions depend on, besides the data.

    Attributes:
        engine: in-process vLLM, a server, or a file of predictions made elsewhere.
        model: folder, hub id, or the name under which the server serves it.
        model_fingerprint: of a local folder's files; see `fingerprint`.
        adapter: folder of the LoRA adapter, with its own fingerprint.
        prompt: name or file, and `prompt_sha256` of its text.
        min_pixels: of the picture, before the model's own processor; None as in training, 0 no limit. `max_pixels` too.
        patch_size: of a server's model, see `pictures.open_picture`; vLLM in-process reads it from the model.
        limit: pictures a data set.
        engine_args: further arguments of `vllm.LLM`.
        predictions_sha256: of the file of predictions made elsewhere.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    engine: EngineKind
    model: str | None = None
    model_fingerprint: str | None = None
    adapter: str | None = None
    adapter_fingerprint: str | None = None
    prompt: str | None = None
    prompt_sha256: str | None = None
    samples: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 2048
    min_pixels: int | None = None
    max_pixels: int | None = None
    patch_size: int = 14
    seed: int = 0
    limit: int | None = None
    engine_args: dict[str, Any] = {}
    predictions_sha256: str | None = None


class Run(BaseModel):
    """The manifest of a run.

    Attributes:
        created: UTC, ISO 8601.
        server: address of the server; it may change between restarts.
        training_judge: model of the judge that the policy was trained with, where known; only the report uses it.
        versions: of the packages that predicted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    created: str
    data: tuple[DataFile, ...]
    settings: PredictSettings
    server: str | None = None
    training_judge: str | None = None
    versions: dict[str, str]

    def require_same(self, other: "Run", folder: Path) -> None:
        """Prove that two manifests ask for the same predictions.

        Raises:
            EvaluationError: they differ; the message names the first field.
        """
        mine, theirs = _identity(self), _identity(other)
        for name, value in mine.items():
            if value != theirs[name]:
                raise EvaluationError(
                    f"{folder / RUN}: was made with {name} {value!r}, now it is {theirs[name]!r}: repeat the first "
                    "command to resume, or take another --out"
                )


def load_run(folder: Path) -> Run | None:
    """The manifest of a folder; None where there is none.

    Raises:
        EvaluationError: it cannot be read, or is of another version.
    """
    return load_model(folder / RUN, Run, "take another --out")


def load_model(path: Path, model: type[Model], cure: str) -> Model | None:
    """A JSON file as a model; None where there is none.

    Raises:
        EvaluationError: it cannot be read, or is of another version.
    """
    if not path.exists():
        return None
    try:
        return model.model_validate_json(read_text(path))
    except (ValidationError, InputError) as error:
        raise EvaluationError(f"{path}: not of this version ({first_fault(error)}): {cure}") from None


def save_model(model: BaseModel, path: Path) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, model.model_dump_json(indent=2) + "\n")


_MARKS = {"model": "model_fingerprint", "adapter": "adapter_fingerprint", "prompt": "prompt_sha256"}


def _identity(run: Run) -> Mapping[str, Any]:
    settings = run.settings.model_dump(mode="json")
    data = [(data.fingerprint, data.contract) for data in run.data]
    identity: dict[str, Any] = {"data": _Shown(", ".join(data.path for data in run.data), data)}
    for name, mark in _MARKS.items():
        value, known = settings.pop(name), settings.pop(mark)
        # A path may change where the content is known to be the same.
        identity[name] = _Shown(value, value if known is None else known)
    return identity | settings


@dataclass(frozen=True, repr=False)
class _Shown:
    """Compared by content, shown by name."""

    name: str = field(compare=False)
    content: object

    def __repr__(self) -> str:
        mark = hashlib.sha256(repr(self.content).encode()).hexdigest()[:8]
        return f"{self.name} ({mark})" if self.content != self.name else repr(self.name)
