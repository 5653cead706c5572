"""The data set of supervised fine-tuning: the parquet of `data_prep`, each picture with the answer to learn.

verl hook: `data.custom_cls` of `verl.trainer.sft_trainer`. Its own `MultiTurnSFTDataset` takes pictures but wants a
column `messages`; here the messages are made of the row: the prompt with the picture, and the target as the reply.
Configuration keys read, besides those of verl's class:
    data.speciarl.prompt: a template of `speciarl_verl/prompts/` or the path of a .txt file; `train` when absent.
    data.speciarl.thinking: null for targets that are the answer alone; or the folder of a judged run
        (`speciarl evaluate`) of the policy on the same pictures, whose accepted thinking comes before the true answer.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import pandas as pd
from omegaconf import ListConfig
from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset
from verl.utils.dataset.vision_utils import process_image
from verl.utils.tokenizer.chat_template import extract_system_prompt_and_generation

from speciarl_verl.data_contract import check_parquet
from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.accepted_thinking import accepted_thinking
from speciarl_verl.prompts import DEFAULT_PROMPT, load_prompt

logger = logging.getLogger(__name__)

_COLUMNS = ["data_source", "images", "reward_model", "extra_info"]


class SpeciaRLSFTDataset(MultiTurnSFTDataset):
    """Rows of our parquets as conversations of one turn.

    Raises:
        DataContractError: a file is not a parquet of this project's contract.
        InputError: `data.speciarl` has an unknown key, its prompt cannot be read, or no row has accepted thinking.
    """

    def __init__(
        self, parquet_files: Any, tokenizer: Any, config: Any, processor: Any = None, max_samples: int = -1
    ) -> None:
        settings = sft_settings(config)
        self._prompt = load_prompt(settings.get("prompt") or DEFAULT_PROMPT)
        folder = settings.get("thinking")
        self._thinking = None if folder is None else accepted_thinking(Path(folder))
        files = parquet_files if isinstance(parquet_files, (list, ListConfig)) else [parquet_files]
        super().__init__([str(file) for file in files], tokenizer, config, processor, max_samples)

    def _read_files_and_process(self) -> None:
        for path in self.parquet_files:
            check_parquet(path)
        parts = [
            datasets.load_dataset("parquet", data_files=path, columns=_COLUMNS)["train"] for path in self.parquet_files
        ]
        self._rows = datasets.concatenate_datasets(parts)
        kept = [row for row, key in enumerate(self._keys()) if self._thinking is None or key in self._thinking]
        files, rows = ", ".join(self.parquet_files), len(self._rows)
        if len(kept) < rows:
            logger.warning("%s: %d of %d pictures have no accepted thinking: left out", files, rows - len(kept), rows)
        if not kept:
            raise InputError(f"{files}: no picture has accepted thinking in data.speciarl.thinking")
        if self.max_samples > 0:
            kept = kept[: self.max_samples]
        # What verl's `__getitem__` looks up; the rest of a row stays on the disk.
        self.dataframe = pd.DataFrame({"row": kept})
        self.tools = self.enable_thinking = None
        self.system_prompt, self.generation_prompt = extract_system_prompt_and_generation(
            self.tokenizer, **self.apply_chat_template_kwargs
        )

    def _keys(self) -> list[tuple[str, str]]:
        names = self._rows.select_columns(["data_source", "extra_info"])
        return [(row["data_source"], row["extra_info"]["file_name"]) for row in names]

    def __len__(self) -> int:
        return len(self.dataframe)

    def _build_messages(self, example: dict[str, Any]) -> list[dict[str, Any]]:
        row = self._rows[int(example["row"])]
        if not row["images"]:
            raise InputError(f"row {row['extra_info']['index']} has no picture: make the parquet again with data_prep")
        picture = process_image(row["images"][0], image_patch_size=self.image_patch_size)
        key = (row["data_source"], row["extra_info"]["file_name"])
        thinking = "" if self._thinking is None else self._thinking[key]
        target = f"{thinking}<answer>{row['reward_model']['ground_truth']}</answer>"
        return [
            {"role": "user", "content": [{"type": "image", "image": picture}, {"type": "text", "text": self._prompt}]},
            {"role": "assistant", "content": [{"type": "text", "text": target}]},
        ]


def sft_settings(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node `data.speciarl`.

    Raises:
        InputError: it has a key that is none of ours.
    """
    node: Mapping[str, Any] = data.get("speciarl") or {}
    unknown = sorted(set(node) - {"prompt", "thinking"})
    if unknown:
        raise InputError(f"data.speciarl.{unknown[0]}: unknown key: data.speciarl has only `prompt` and `thinking`")
    return node
