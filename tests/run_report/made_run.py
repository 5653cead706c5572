"""Folders of trainings that never were: figures and rollouts of a policy that learns, of any size."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speciarl_verl.method.category import Category
from speciarl_verl.method.rules import group_reward
from speciarl_verl.rollout.step_figures import step_figures
from speciarl_verl.rollout.trace import written

CATEGORIES = ("W", "A", "G", "S-", "S", "S+", "unparseable")
CONFIG = """
actor_rollout_ref: {rollout: {n: 8}, model: {lora_rank: 64}, actor: {optim: {lr: 3.0e-05}}}
algorithm: {adv_estimator: grpo}
data: {train_batch_size: 16, train_files: /no/such.parquet}
speciarl: {seed: 42, reward: {rule: dynamic}, judge: {name: server, url: 'http://user:secret@judge:30000'}}
"""


def rollout(chance: random.Random, index: int, session: int, step: int, progress: float, text: str) -> dict[str, Any]:
    """A row as the replay buffer gathers it, before its group is rewarded."""
    category = chance.choices(CATEGORIES, [3, 0.3, 6 - 5 * progress, 2, 1 + 6 * progress, 0.1, 0.2])[0]
    label = f"species {index % 40}"
    names = {"S": label, "S-": "its genus", "G": "bird", "S+": f"young {label}", "A": "None", "unparseable": ""}
    answer = names.get(category, f"species {chance.randrange(40)}")
    outcome = {"category": category, "verdict": category, "rule": "no-answer" if category == "unparseable" else ""}
    place = {"data_source": "cub", "index": index, "image": f"{index}.jpg", "ground_truth": label}
    words = f"<think>Picture {index} at step {step}. {text}</think>\n<answer>{answer}</answer>"
    times = {"generated_at": 100.0 * step, "verdict_s": 0.25}
    return {
        "uid": f"{step}-{index}",
        "session_id": session,
        **place,
        **outcome,
        "answer": answer,
        "text": words,
        **times,
    }


def rewarded(group: list[dict[str, Any]]) -> list[dict[str, Any]]:
    categories = [None if row["category"] == "unparseable" else Category.from_label(row["category"]) for row in group]
    outcome = group_reward(categories)
    bars = {
        name: "" if value is None else value.symbol
        for name, value in (("best", outcome.best), ("reference", outcome.reference))
    }
    return [row | bars | {"reward": r, "group_reward": r} for row, r in zip(group, outcome.rewards, strict=True)]


def make_run(
    folder: Path,
    steps: int = 20,
    groups: int = 8,
    rollouts: int = 4,
    pictures: int = 24,
    text: str = "It has a red crown.",
    total: int | None = None,
    test_every: int = 5,
    seed: int = 0,
) -> Path:
    """Write a run; `pictures` are shown one after another."""
    chance = random.Random(seed)
    for name in ("metrics", "rollouts", "hydra/.hydra"):
        (folder / name).mkdir(parents=True)
    (folder / "hydra/.hydra/config.yaml").write_text(CONFIG)
    (folder / "train.log").write_text(f"Total training steps: {total or steps}\n")
    account = {"asked": steps * groups * rollouts, "server": steps, "sent": steps, "failed": 0, "latency_p50_s": 0.125}
    (folder / "metrics/20261127T120000Z.judge.json").write_text(json.dumps(account))
    (folder / "metrics/20261127T120000Z.versions.json").write_text(json.dumps({"verl": "0.9.1"}))
    with (folder / "metrics/20261127T120000Z.jsonl").open("w") as metrics:
        for step in range(1, steps + 1):
            progress = step / steps
            shown = [((step - 1) * groups + i) % pictures for i in range(groups)]
            rows = [
                row
                for index in shown
                for row in rewarded([rollout(chance, index, i, step, progress, text) for i in range(rollouts)])
            ]
            figures = step_figures(rows, groups)
            figures |= {"critic/score/mean": sum(row["reward"] for row in rows) / len(rows), "timing_s/step": 61.0}
            figures |= {"actor/kl_loss": 0.02 * progress, "response_length/mean": 80 + 20 * progress}
            if step % test_every == 0:
                figures |= validation(rows)
            metrics.write(json.dumps({"step": step, "data": figures}) + "\n")
            write_rows(folder / "rollouts" / f"{step}.jsonl", written(rows, texts=8, seed=seed))
    return folder


def validation(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    categories = [row["category"] for row in rows]
    return {f"val-aux/cub/share_{key}/mean@1": categories.count(key) / len(categories) for key in CATEGORIES}


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
