"""What can go wrong in a run, found before Ray starts: `speciarl preflight OVERRIDE...`, called by `recipes/train.sh`.

Looks at everything that the composed configuration names: files, model, judge, machine.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from speciarl_verl.config.checkpoints import check_checkpoints
from speciarl_verl.config.run_checks import check_run
from speciarl_verl.config.schema import SpeciaRLConfig
from speciarl_verl.errors import ConfigError
from speciarl_verl.judge.build import build_auditor, build_judge
from speciarl_verl.judge.judge_config import CustomJudgeConfig, HostedJudgeConfig, TaxonomyJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.preflight.machine import (
    check_attention,
    check_engines,
    check_platform,
    check_ports,
    check_ray_cpus,
    check_verl,
)
from speciarl_verl.preflight.training_data import check_training_data
from speciarl_verl.rollout.rule import try_rule

_PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")


def check_everything(config: DictConfig) -> SpeciaRLConfig:
    """All checks, cheapest first.

    Raises:
        ConfigError: a key of the configuration, the model or the machine.
        DataContractError: a parquet, or a label in it.
        InputError: the prompt.
        JudgeError: the judge does not answer, or does not know the data's labels.
        RuleError: the reward rule gives nothing that could be trained on.
    """
    check_verl()
    speciarl = check_run(config)
    try_rule(speciarl.reward, config.actor_rollout_ref.rollout.n)
    check_platform(speciarl)
    # A cluster that is there has counted its own.
    if "RAY_ADDRESS" not in os.environ:
        check_ray_cpus(config, os.cpu_count() or 1)
    check_ports(config)
    check_engines(config)
    check_attention(config.actor_rollout_ref.model)
    check_model(str(config.actor_rollout_ref.model.path))
    check_checkpoints(config.trainer)
    check_adapter(config.actor_rollout_ref.model)
    if isinstance(speciarl.judge, HostedJudgeConfig):
        check_judge_model(str(config.reward.reward_model.model_path))
    labels = check_training_data(config.data)
    asyncio.run(_check_judge(speciarl, labels))
    return speciarl


def check_model(path: str) -> None:
    """A local model needs a configuration, a tokenizer and an image processor; a hub id is left to transformers.

    Raises:
        ConfigError: naming what is not there.
    """
    folder = _model_folder(path)
    if folder and not any((folder / name).is_file() for name in _PROCESSOR_FILES):
        raise ConfigError(
            f"the model {path} has no image processor ({' or '.join(_PROCESSOR_FILES)}): use a vision-language model"
        )


def check_adapter(model: DictConfig) -> None:
    """A LoRA run of a Qwen2-VL must hand vLLM merged weights.

    vLLM 0.24's class does not say that its q, k and v are packed (`packed_modules_mapping`, models/qwen2_vl.py:1189):
    verl 0.9.1 sends them by names that vLLM does not have (verl/utils/vllm/utils.py:148), and then waits for ever.

    Raises:
        ConfigError: naming the cure.
    """
    folder = _model_folder(str(model.path))
    if not folder or not model.lora_rank or model.lora.merge:
        return
    if json.loads((folder / "config.json").read_bytes()).get("model_type") == "qwen2_vl":
        raise ConfigError(
            "LoRA of a Qwen2-VL: vLLM 0.24 does not take its adapters from verl 0.9.1: have them merged for generation "
            "(-- actor_rollout_ref.model.lora.merge=true), or train all parameters (--lora-rank 0)"
        )


def check_judge_model(path: str) -> None:
    """The same for the text model of a hosted judge: it needs a tokenizer.

    Raises:
        ConfigError: naming what is not there.
    """
    folder = _model_folder(path)
    if folder and not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise ConfigError(f"the judge's model {path} has no tokenizer ({' or '.join(_TOKENIZER_FILES)})")


def _model_folder(path: str) -> Path | None:
    """None for a hub id."""
    folder = Path(path).expanduser()
    if not folder.exists():
        if path.startswith((".", "/", "~")) or path.count("/") != 1:
            raise ConfigError(f"no model at {path}")
        return None
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{path} is no model: it has no config.json")
    return folder


async def _check_judge(speciarl: SpeciaRLConfig, labels: Sequence[str]) -> None:
    if isinstance(speciarl.judge, HostedJudgeConfig):
        # Its servers start with the run, which asks them before its first step: here, what needs no server.
        await build_judge(speciarl.judge.at("http://not-yet-known")).close()
        return
    judge = build_judge(speciarl.judge)
    auditor = build_auditor(speciarl.judge, Ledger(), speciarl.seed)
    if auditor is not None:
        await auditor.check()
    try:
        await judge.check()
        if isinstance(speciarl.judge, TaxonomyJudgeConfig | CustomJudgeConfig):
            # Of one's own judge nobody knows what a pair costs: one must do.
            for label in labels if speciarl.judge.name == "taxonomy" else labels[:1]:
                await judge.judge(Pair(prediction=label, ground_truth=label))
    finally:
        await judge.close()
