"""The data set of a training: the parquet of `data_prep`, asked with the prompt that the configuration names.

verl builds it in the trainer and uses its class in every agent-loop worker; selected with
`data.custom_cls.path=pkg://speciarl_verl.plugin.dataset data.custom_cls.name=SpeciaRLDataset`.

Configuration keys read, besides those of verl's `RLHFDataset`:
    data.speciarl.prompt: a template of `speciarl_verl/prompts/` or the path of a .txt file; `train` when absent.
"""

from typing import Any

from verl.utils.dataset.rl_dataset import RLHFDataset

from speciarl_verl.data_contract import IMAGE_PLACEHOLDER, check_parquet
from speciarl_verl.errors import InputError
from speciarl_verl.prompts import configured_prompt


class SpeciaRLDataset(RLHFDataset):
    """verl's data set with the prompt rendered at load and the record contract enforced.

    Raises:
        DataContractError: a file is not a parquet of this project's contract.
        InputError: `data.speciarl` has an unknown key, or its prompt cannot be read.
    """

    def __init__(
        self, data_files: Any, tokenizer: Any, config: Any, processor: Any = None, max_samples: int = -1
    ) -> None:
        # The base class builds messages in its constructor when it filters long prompts: the prompt comes first.
        self._content = IMAGE_PLACEHOLDER + configured_prompt(config.get("speciarl"))
        super().__init__(data_files, tokenizer, config, processor, max_samples)

    def _read_files_and_tokenize(self) -> None:
        for path in self.data_files:
            check_parquet(path)
        super()._read_files_and_tokenize()

    def _build_messages(self, example: dict[str, Any], key: str) -> list[dict[str, Any]]:
        if not example.get(self.image_key):
            index = example["extra_info"]["index"]
            raise InputError(f"row {index} has no picture: make the parquet again with data_prep")
        example[key] = [{"role": "user", "content": self._content}]
        messages: list[dict[str, Any]] = super()._build_messages(example, key)
        for part in messages[0]["content"]:
            # verl leaves the file beside the opened picture; each of a prompt's rollouts would carry it along.
            part.pop("bytes", None)
            part.pop("path", None)
        return messages
