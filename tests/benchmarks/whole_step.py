"""(c) A whole step of training on the CPU profile: ours against stock verl's manager with a constant reward.

Both are stock `main_ppo` from the same random weights; a figure is the median of verl's `timing_s/step` over the steps
after the first. Takes minutes a run and the whole machine.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PIL import Image

from tests.benchmarks.measurement import Comparison, Labels
from tests.plugin.rollout_world import picture

STEPS, IMAGES = 6, 8
_LABELS = Labels(
    "c whole step",
    "wall s a step",
    "stock verl's naive manager with a constant function, polling as often as ours",
    "generation, log-probabilities and the update, which are verl's",
)
_STOCK = (
    "actor_rollout_ref.rollout.agent.default_agent_loop=single_turn_agent",
    "actor_rollout_ref.rollout.agent.agent_loop_manager_class=verl.trainer.ppo.v1.agent_loop_tq.AgentLoopManagerTQ",
    "trainer.v1.sampler.custom_sampler.path=pkg://tests.benchmarks.stock_verl",
    "trainer.v1.sampler.custom_sampler.name=StockBuffer",
    "reward.num_workers=1",
    "reward.reward_manager.name=naive",
    "reward.custom_reward_function.path=pkg://tests.benchmarks.stock_verl",
    "reward.custom_reward_function.name=constant",
)
_ROOT = Path(__file__).parents[2]


def run(pairs: int) -> Iterator[Comparison]:
    """On the quickstart's small pictures, and on 500x375, each with a processor that keeps their size."""
    for side, size in ((56, (56, 56)), (None, (500, 375))):
        with tempfile.TemporaryDirectory() as name:
            world = Path(name)
            _make(world, size, side)
            ours, stock = partial(_step_s, world, ()), partial(_step_s, world, _STOCK)
            yield _LABELS.compare(f"{size[0]}x{size[1]}, {IMAGES} x 8 rollouts", ours, stock, pairs, warm=False)


def _step_s(world: Path, overrides: tuple[str, ...]) -> float:
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "verl.trainer.main_ppo", *_overrides(world, Path(out)), *overrides]
        environment = {
            **os.environ,
            "VERL_PLATFORM": "cpu",
            "OMP_WAIT_POLICY": "passive",
            "VERL_FILE_LOGGER_PATH": f"{out}/metrics.jsonl",
        }
        done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
        lines = [json.loads(line) for line in Path(out, "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        return statistics.median(line["data"]["timing_s/step"] for line in lines if line["step"] > 1)


def _overrides(world: Path, out: Path) -> list[str]:
    long = 1024
    return [
        "hydra.searchpath=[pkg://speciarl_verl.config]",
        "+speciarl=train",
        "speciarl/profile=cpu",
        f"data.train_files={world}/train.parquet",
        f"data.val_files={world}/train.parquet",
        f"actor_rollout_ref.model.path={world}/model",
        f"data.train_batch_size={IMAGES}",
        f"actor_rollout_ref.actor.ppo_mini_batch_size={IMAGES}",
        f"data.max_prompt_length={long}",
        f"actor_rollout_ref.rollout.max_model_len={long + 64}",
        f"actor_rollout_ref.rollout.max_num_batched_tokens={2 * long}",
        "trainer.val_before_train=false",
        "trainer.test_freq=-1",
        "trainer.save_freq=-1",
        f"trainer.total_training_steps={STEPS}",
        f"trainer.total_epochs={STEPS}",
        f"trainer.default_local_dir={out}/checkpoints",
        f"hydra.run.dir={out}/hydra",
    ]


def _make(world: Path, size: tuple[int, int], side: int | None) -> None:
    """A policy of random weights, and a parquet of pictures of that size."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from transformers import Qwen2VLImageProcessor

    from recipes.quickstart.policy import build_model, build_processor, build_tokenizer, save_policy
    from speciarl_verl.data_contract import SCHEMA

    tokenizer = build_tokenizer()
    processor = build_processor(tokenizer)
    if side is None:
        processor.image_processor = Qwen2VLImageProcessor()
    save_policy(build_model(tokenizer, seed=0), processor, world / "model")
    rows = [_row(number, picture(*size, seed=number)) for number in range(IMAGES)]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), world / "train.parquet")


def _row(number: int, image: Image.Image) -> dict[str, object]:
    import hashlib
    import io

    data = io.BytesIO()
    image.save(data, "JPEG", quality=90)
    return {
        "data_source": "cub",
        "prompt": [{"role": "user", "content": "<image>What?"}],
        "images": [{"bytes": data.getvalue(), "path": None}],
        "ability": "classification",
        "reward_model": {"style": "judge", "ground_truth": "Black footed Albatross"},
        "extra_info": {
            "split": "train",
            "index": number,
            "file_name": f"images/{number}.jpg",
            "label_id": 0,
            "content_hash": hashlib.sha256(data.getvalue()).hexdigest(),
        },
    }
