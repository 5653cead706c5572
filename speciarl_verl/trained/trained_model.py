"""What `--model` of `speciarl name` may point at besides a model: a training, its checkpoints, one step of it."""

from pathlib import Path

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.predict.adapter import last_step

_HF = Path("actor/huggingface")
_COMPOSED = Path("hydra/.hydra/config.yaml")
_PROMPT_KEY = "data.speciarl.prompt"
_LEVELS = 5
"""From `RUN/checkpoints/global_step_N/actor/huggingface` up to `RUN`."""


def find_model(path: str) -> str:
    """The model that `path` means, a hub id too, as `--model` of an evaluation takes it.

    Raises:
        EvaluationError: it is a checkpoint without the weights of a model.
    """
    given = Path(path).expanduser()
    folder = last_step(given / "checkpoints") if (given / "checkpoints").is_dir() else last_step(given)
    found = folder / _HF if (folder / _HF).is_dir() else folder
    if found.parts[-2:] == _HF.parts and not any(found.glob("*.safetensors")):
        raise EvaluationError(
            f"--model {path}: a checkpoint without a model's weights: of a LoRA training give its base model, and "
            "this folder as --adapter; of another merge it with `python -m verl.model_merger`"
        )
    return path if found == given else str(found)


def trained_prompt(path: str) -> str | None:
    """The prompt that the training of a checkpoint showed; None where its folder does not tell."""
    folder = Path(path).expanduser().resolve()
    for place in [folder, *folder.parents][:_LEVELS]:
        if (place / _COMPOSED).is_file():
            try:
                prompt = OmegaConf.select(OmegaConf.load(place / _COMPOSED), _PROMPT_KEY)
            except (OmegaConfBaseException, OSError):
                return None
            return prompt if isinstance(prompt, str) else None
    return None
