"""The agent loop against a fake LLM server: everything else (tokenizer, processor, picture, judge, group) is real."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf
from PIL import Image

from recipes.quickstart.policy import build_model, build_processor, build_tokenizer, save_policy
from speciarl_verl.errors import GroupError, InputError, JudgeError, RuleError
from speciarl_verl.judge.protocol import Pair, Verdict
from speciarl_verl.plugin import process_scorer as scorer_module
from speciarl_verl.plugin.trainer_mail import ACCOUNT_PARTITION, STOP_PARTITION, published_account
from speciarl_verl.preflight.compose import compose_config
from speciarl_verl.rollout.row import GROUP_SIZE_KEY, VALIDATE_KEY
from tests.config.test_run_checks import CPU
from tests.plugin.rollout_world import TRUTH, FakeEngine

EXAMPLE = Path(__file__).parents[1] / "example_plugin"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policy") / "random"
    save_policy(build_model(tokenizer := build_tokenizer(), seed=0), build_processor(tokenizer), folder)
    return folder


@pytest.fixture(autouse=True)
def _fresh_process_scorer() -> Iterator[None]:
    scorer_module._process_scorer.cache_clear()
    yield
    scorer_module._process_scorer.cache_clear()


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was put into TransferQueue, which does not run here."""
    import transfer_queue

    entries: list[dict[str, Any]] = []

    async def put(**entry: Any) -> None:
        entries.append(entry)

    monkeypatch.setattr(transfer_queue, "async_kv_put", put)
    return entries


async def rollouts(
    model: Path, texts: list[str | Exception], *overrides: str, validate: bool = False, **sample: Any
) -> list[Any]:
    from transformers import AutoProcessor
    from verl.experimental.agent_loop.agent_loop import DictConfigWrap
    from verl.utils.dataset.rl_dataset import RLHFDataset

    from speciarl_verl.plugin.agent_loop import SpeciaRLAgentLoop

    config = compose_config([*CPU, f"actor_rollout_ref.model.path={model}", *overrides])
    OmegaConf.resolve(config)
    processor = AutoProcessor.from_pretrained(model)
    content = [{"type": "image", "image": Image.new("RGB", (56, 56))}, {"type": "text", "text": "What is this?"}]

    def loop(text: str | Exception) -> Any:
        return SpeciaRLAgentLoop(
            trainer_config=DictConfigWrap(config),
            server_manager=FakeEngine(text, tokenizer=processor.tokenizer),
            tokenizer=processor.tokenizer,
            processor=processor,
            dataset_cls=RLHFDataset,
            data_config=DictConfigWrap(config.data),
            hf_model_type="qwen2_5_vl",
        )

    fields = {
        "raw_prompt": [{"role": "user", "content": content}],
        "reward_model": {"style": "judge", "ground_truth": TRUTH},
        "uid": "u",
        VALIDATE_KEY: validate,
        GROUP_SIZE_KEY: len(texts),
        **sample,
    }
    jobs = (loop(text).run({}, session_id=i, **fields) for i, text in enumerate(texts))
    return await asyncio.wait_for(asyncio.gather(*jobs, return_exceptions=True), 60)


def answer(label: str) -> str:
    return f"<think> ok </think><answer>{label}</answer>"


async def test_siblings_meet_and_leave_with_their_rewards(model: Path) -> None:
    texts: list[str | Exception] = [answer("bird"), answer("albatross"), answer(TRUTH), "no tags", answer("poodle")]
    outputs = await rollouts(model, texts)
    assert [output.reward_score for output in outputs] == [0.0, 0.0, 1.0, -1.0, 0.0]
    infos = [output.extra_fields["reward_extra_info"] for output in outputs]
    assert [info["category"] for info in infos] == ["G", "S-", "S", "unparseable", "W"]
    assert {info["best"] for info in infos} == {info["reference"] for info in infos} == {"S"}
    assert outputs[3].extra_fields["reward_extra_info"]["rule"] == "no-answer"
    traces = [output.extra_fields["speciarl_trace"] for output in outputs]
    assert [one["text"] for one in traces] == texts
    assert all(one["verdict_s"] >= 0 and one["generated_at"] > 1e9 for one in traces)


async def test_validation_rollout_stands_alone(model: Path) -> None:
    outputs = await rollouts(model, [answer("bird"), answer("none"), answer("poodle")], validate=True)
    assert [output.reward_score for output in outputs] == [0.5, 0.25, 0.0]
    assert [output.extra_fields["reward_extra_info"]["acc"] for output in outputs] == [1.0, 1.0, 0.0]


async def test_failing_engine_fails_the_whole_group_at_once(model: Path) -> None:
    outputs = await rollouts(model, [answer("bird"), RuntimeError("engine died"), answer("bird")])
    assert [type(output) for output in outputs] == [GroupError, RuntimeError, GroupError]
    assert "engine died" in str(outputs[0])


async def test_account_is_published_before_the_rewards(model: Path, published: list[dict[str, Any]]) -> None:
    await rollouts(model, [answer("bird"), answer("albatross"), "no tags"])
    tags = {entry["key"]: entry["tag"] for entry in published}
    assert published_account({ACCOUNT_PARTITION: tags}).figures()["taxonomy"] == 2
    assert {entry["partition_id"] for entry in published} == {ACCOUNT_PARTITION}
    # Once for the three: their group's verdicts are all in when the first of them is rewarded.
    assert len(published) == 1


async def test_failing_judge_is_announced_and_no_rollout_gets_a_reward(
    model: Path, published: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class DeadJudge:
        async def judge(self, pair: Pair) -> Verdict:
            raise JudgeError("the judge at http://judge:1 does not answer.")

    monkeypatch.setattr(scorer_module, "build_judge", lambda config, ledger, answer: DeadJudge())
    outputs = await rollouts(model, [answer("bird"), answer("bird")])
    assert {type(output) for output in outputs} <= {JudgeError, GroupError}
    announced = [entry for entry in published if entry["partition_id"] == STOP_PARTITION]
    assert announced[0]["tag"] == {"reason": "the judge at http://judge:1 does not answer."}


async def test_judge_and_rule_of_the_example_package_decide(
    model: Path, published: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(EXAMPLE)
    texts: list[str | Exception] = [answer("bird"), answer("albatross"), answer(TRUTH), "no tags", answer("poodle")]
    own = [
        "speciarl/judge=custom",
        "speciarl.judge.factory=example_speciarl.judges:make_judge",
        "speciarl.judge.options={broad: [bird]}",
        "speciarl.reward.rule=example_speciarl.rules:brief_and_dynamic",
    ]
    outputs = await rollouts(model, texts, *own)
    word = 1 / 64
    assert [output.reward_score for output in outputs] == [0.25 - word, 0.375 - word, 1 - 3 * word, -1.0, -word]
    infos = [output.extra_fields["reward_extra_info"] for output in outputs]
    assert [info["category"] for info in infos] == ["G", "S-", "S", "unparseable", "W"]
    tags = {entry["key"]: entry["tag"] for entry in published}
    assert published_account({ACCOUNT_PARTITION: tags}).figures()["custom"] == 4


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        pytest.param("builtins:vars", "speciarl.reward.rule=builtins:vars: gave 6 rewards for 2", id="wrong number"),
        pytest.param("no_such_package:rule", "cannot be imported", id="only where the trainer runs"),
    ],
)
async def test_failing_rule_is_announced_and_no_rollout_gets_a_reward(
    model: Path, published: list[dict[str, Any]], rule: str, message: str
) -> None:
    outputs = await rollouts(model, [answer("bird"), answer("bird")], f"speciarl.reward.rule={rule}")
    assert [type(output) for output in outputs] == [RuleError, RuleError]
    announced = [entry for entry in published if entry["partition_id"] == STOP_PARTITION]
    assert message in announced[0]["tag"]["reason"]


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        pytest.param({"reward_model": {"ground_truth": ""}}, "no ground truth", id="empty ground truth"),
        pytest.param({"reward_model": {}}, "no ground truth", id="ground truth missing"),
        pytest.param({"reward_model": {"ground_truth": "Unknown Bird"}}, "Unknown Bird", id="not in the taxonomy"),
    ],
)
async def test_sample_that_cannot_be_judged_is_an_error_and_no_reward(
    model: Path, sample: dict[str, Any], message: str
) -> None:
    outputs = await rollouts(model, [answer("bird"), answer("bird")], **sample)
    assert all(isinstance(output, Exception) for output in outputs)
    assert any(message in str(output) for output in outputs)


async def test_row_that_was_not_dispatched_by_our_manager_is_refused(model: Path) -> None:
    from speciarl_verl.rollout.row import read_placement

    with pytest.raises(InputError, match="agent_loop_manager_class"):
        read_placement({"uid": "u", "session_id": 0})


def test_manager_tells_each_row_its_group_size_and_whether_it_validates(monkeypatch: pytest.MonkeyPatch) -> None:
    from tensordict import TensorDict
    from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ
    from verl.utils import tensordict_utils as tu

    from speciarl_verl.plugin.agent_loop_manager import SpeciaRLAgentLoopManager

    sent: list[TensorDict] = []
    monkeypatch.setattr(AgentLoopManagerTQ, "generate_sequences", lambda self, prompts: sent.append(prompts))
    manager = object.__new__(SpeciaRLAgentLoopManager)
    manager.rollout_config = SimpleNamespace(n=8, val_kwargs=SimpleNamespace(n=1))
    for validate in (False, True):
        prompts = TensorDict({}, batch_size=[2])
        if validate:
            tu.assign_non_tensor_data(prompts, "validate", True)
        manager.generate_sequences(prompts)
    assert [(p[VALIDATE_KEY], p[GROUP_SIZE_KEY]) for p in sent] == [(False, 8), (True, 1)]
