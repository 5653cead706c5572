"""What the trainer sees of categories, and how a failed judge reaches it."""

import json
from pathlib import Path
from typing import Any

import pytest

from speciarl_verl.errors import StopRunError
from speciarl_verl.judge.ledger import Account
from speciarl_verl.judge.protocol import Source
from speciarl_verl.plugin.replay_buffer import SpeciaRLReplayBuffer, judge_figures, judged_rollouts, write_rollouts
from speciarl_verl.plugin.trainer_mail import ACCOUNT_PARTITION, STOP_PARTITION, published_account, raise_if_announced
from speciarl_verl.rollout.step_figures import step_figures


def record(uid: str, session_id: int, category: str, reward: float) -> dict[str, Any]:
    rewards = {"group_reward": reward, "reward": reward}
    rule = "no-answer" if category == "unparseable" else ""
    outcome = {"category": category, "verdict": category, "best": "S", "reference": "S", "rule": rule}
    texts = {"answer": "" if rule else "a bird", "ground_truth": "robin"}
    return {"uid": uid, "session_id": session_id, **outcome, **texts, **rewards}


RECORDS = [
    record("b", 1, "W", 0.0),
    record("b", 0, "S", 1.0),
    record("a", 0, "G", 1.0),
    record("a", 1, "unparseable", 1.0),
]


def test_verl_averages_our_metrics_instead_of_summing_or_taking_an_extreme() -> None:
    from verl.trainer.ppo.v1.utils import MetricsAggregator

    for key in step_figures(RECORDS, groups_asked=3):
        assert MetricsAggregator()._get_aggregation_type(key) == "weighted_avg", key


def test_rollouts_are_written_and_a_step_that_is_repeated_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "rollouts" / "3.jsonl"
    write_rollouts(RECORDS, path)
    write_rollouts(RECORDS[:2], path)
    assert [json.loads(line) for line in path.read_text().splitlines()] == RECORDS[:2]
    assert [file.name for file in path.parent.iterdir()] == ["3.jsonl"]


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: type("NonTensorData", (), {"data": value})()])
def test_judged_rollouts_are_read_from_transfer_queue(monkeypatch: pytest.MonkeyPatch, wrap: Any) -> None:
    import torch
    import transfer_queue

    def get(keys: list[str], partition_id: str, select_fields: list[str]) -> dict[str, Any]:
        assert partition_id == "train"
        outcome = {"reward_extra_info": {"category": "S"}, "speciarl_trace": {"text": "It is a robin."}}
        columns = {
            "extra_fields": [wrap(outcome) for _ in keys],
            "reward_model": [wrap({"ground_truth": "robin"}) for _ in keys],
            "data_source": [wrap("cub") for _ in keys],
            "extra_info": [wrap({"index": 7, "file_name": "7.jpg"}) for _ in keys],
            "rm_scores": [torch.tensor([0.0, 0.5]) for _ in keys],
        }
        return {name: columns[name] for name in select_fields}

    monkeypatch.setattr(transfer_queue, "kv_batch_get", get)
    (only,) = judged_rollouts(["1234-5678_3_0"], "train")
    assert only == {
        **{"uid": "1234-5678", "session_id": 3, "data_source": "cub", "index": 7, "image": "7.jpg"},
        **{"ground_truth": "robin", "reward": 0.5, "category": "S", "text": "It is a robin."},
    }


def test_announced_failure_stops_the_trainer_with_its_reason() -> None:
    raise_if_announced({})
    raise_if_announced({"train": {"u": {}}})
    with pytest.raises(StopRunError, match=r"training stopped: no answer\. No reward was made up"):
        raise_if_announced({STOP_PARTITION: {"failure": {"reason": "no answer."}}})


def sampler_kwargs(**overrides: Any) -> dict[str, Any]:
    groups = {"enable": False, "metric": "group_reward", "max_inflight_gen_batches": 1}
    files = {"rollouts_dir": None, "judge_account": None, "rollout_texts": 8, "seed": 42}
    return {"filter_groups": groups, "train_batch_size": 4, "poll_interval_s": 0.01, **files, **overrides}


def build(**overrides: Any) -> SpeciaRLReplayBuffer:
    return SpeciaRLReplayBuffer(
        sampler_kwargs=sampler_kwargs(**overrides),
        trainer_mode="sync",
        trainer_config={},
        max_off_policy_threshold=8,
        max_off_policy_strategy="drop",
        refill_fn=lambda n: n,
    )


def test_polling_for_rollouts_that_never_come_ends_when_the_judge_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import transfer_queue

    polls: list[int] = []

    def kv_list() -> dict[str, Any]:
        polls.append(1)
        waiting = {"train": {"u": {"is_prompt": True, "status": "running", "global_steps": 1}}}
        account = {"host-1": {"account": Account(failed=1).to_json()}}
        dead = {STOP_PARTITION: {"failure": {"reason": "the judge died."}}, ACCOUNT_PARTITION: account}
        return waiting if len(polls) < 3 else {**waiting, **dead}

    monkeypatch.setattr(transfer_queue, "kv_list", kv_list)
    account = tmp_path / "metrics" / "judge.json"
    with pytest.raises(StopRunError, match="the judge died"):
        build(judge_account=str(account)).sample(global_steps=1, partition_id="train", batch_size=1)
    assert len(polls) == 3
    assert json.loads(account.read_text())["failed"] == 1


def test_account_is_the_sum_over_the_processes() -> None:
    accounts = [Account(decided={Source.SERVER: 2, Source.CACHE: 3}, sent=2), Account(decided={Source.SERVER: 5})]
    published = {ACCOUNT_PARTITION: {str(i): {"account": a.to_json()} for i, a in enumerate(accounts)}}
    total = published_account(published)
    assert (total.asked, total.decided[Source.SERVER], total.sent) == (10, 7, 2)
    assert published_account({}).asked == 0


def test_judge_is_shown_for_the_run_and_for_the_step() -> None:
    before, now = Account(decided={Source.SERVER: 2}, sent=3), Account(decided={Source.SERVER: 7}, sent=10)
    figures = judge_figures(now, before)
    names = ("judge/asked", "judge_step/asked", "judge/sent", "judge_step/sent")
    assert [figures[f"training/speciarl/{name}"] for name in names] == [7, 5, 10, 7]


def test_group_filter_of_the_configuration_reaches_verl() -> None:
    groups = {"enable": True, "metric": "group_reward", "max_inflight_gen_batches": 2}
    buffer = build(filter_groups=groups)
    assert (buffer.filter_groups_metric, buffer.max_inflight_gen_batches) == ("group_reward", 2)
    assert (buffer.train_batch_size, buffer.gen_batch_size, buffer.poll_interval) == (4, 1, 0.01)
    assert build().filter_groups_metric is None


@pytest.mark.parametrize(
    ("running", "finished", "interval_s"), [(10, 0, 0.5), (5, 5, 0.25), (1, 99, 0.05)], ids=["first", "half", "last"]
)
def test_trainer_looks_sooner_for_the_last_rollouts(
    monkeypatch: pytest.MonkeyPatch, running: int, finished: int, interval_s: float
) -> None:
    from verl.trainer.ppo.v1 import replay_buffer

    slept: list[float] = []
    monkeypatch.setattr(replay_buffer.time, "sleep", slept.append)
    buffer = build(poll_interval_s=0.5)
    buffer.running_keys["train"] = set(map(str, range(running)))
    buffer.finished_keys["train"] = set(map(str, range(1000, 1000 + finished)))
    buffer._wait_for_next_poll("train", last_debug_time=0.0)
    assert slept == [interval_s]


def test_shorter_interval_of_the_configuration_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from verl.trainer.ppo.v1 import replay_buffer

    slept: list[float] = []
    monkeypatch.setattr(replay_buffer.time, "sleep", slept.append)
    build(poll_interval_s=0.01)._wait_for_next_poll("train", last_debug_time=0.0)
    assert slept == [0.01]
