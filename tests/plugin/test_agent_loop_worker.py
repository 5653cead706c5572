"""verl's worker against ours on the same pictures: what reaches TransferQueue, and how often a picture is prepared."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from PIL import Image
from verl.experimental.agent_loop import agent_loop

from speciarl_verl.plugin import agent_loop_worker as worker_module
from speciarl_verl.plugin import process_scorer as scorer_module
from speciarl_verl.plugin.agent_loop import AGENT_NAME
from speciarl_verl.plugin.agent_loop_worker import SPENT
from speciarl_verl.rollout.siblings import Siblings
from speciarl_verl.rollout.trace import TRACE_KEY
from tests.plugin.rollout_world import (
    FAMILIES,
    FakeEngine,
    FakeQueue,
    build_worker,
    differences,
    picture,
    run_configuration,
    run_group,
    save_processor,
    transfer_queue,
)

TEXTS = [f"<think> {'so ' * words}</think><answer>albatross</answer>" for words in range(4)]
PICTURES = {
    "landscape": picture(500, 375),
    "portrait": picture(97, 301),
    "grey": picture(640, 427).convert("L"),
    "transparent": picture(60, 60).convert("RGBA"),
}


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processor")
    save_processor(request.param, folder)
    return folder


@pytest.fixture(scope="module")
def qwen25(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processor")
    save_processor("qwen2_5_vl", folder)
    return folder


@pytest.fixture(autouse=True)
def _fresh_process_scorer() -> Iterator[None]:
    scorer_module._process_scorer.cache_clear()
    yield
    scorer_module._process_scorer.cache_clear()


class Run:
    """One worker and what it put into TransferQueue.

    Attributes:
        threads: of each call of the processor, in order.
    """

    def __init__(self, model: Path, *overrides: str, stock: bool = False, texts: list[Any] = TEXTS) -> None:
        self.queue, self.threads = FakeQueue(), list[threading.Thread]()
        self._texts, self._stock = texts, stock
        loop = ["actor_rollout_ref.rollout.agent.default_agent_loop=single_turn_agent"] if stock else []
        self._config = run_configuration(model, *loop, *overrides)

    def __call__(self, image: Image.Image, rollouts: int = len(TEXTS), **sample: Any) -> "Run":
        engine = FakeEngine(*self._texts)
        with transfer_queue(self.queue):
            worker = build_worker(self._config, engine, stock=self._stock)
            processor_class = type(worker.processor)
            process = processor_class.__call__

            def counted(*args: Any, **kwargs: Any) -> Any:
                self.threads.append(threading.current_thread())
                return process(*args, **kwargs)

            with patch.object(processor_class, "__call__", counted):
                asyncio.run(run_group(worker, image, rollouts, **sample))
        return self

    def rollouts(self, partition: str = "train") -> list[dict[str, Any]]:
        """By their responses: the engine is asked in any order."""
        rows = [row for key, row in self.queue.fields.items() if key.startswith(f"{partition}/")]
        return sorted(rows, key=lambda row: len(row["responses"]))

    def tags(self, partition: str) -> tuple[list[str], list[dict[str, Any]]]:
        """Keys, and tags by the lengths of the responses."""
        tags = {key: tag for key, tag in self.queue.tags.items() if key.startswith(f"{partition}/")}
        return sorted(tags), sorted(tags.values(), key=lambda tag: tag.get("response_len", 0))


@pytest.mark.parametrize("validate", [False, True], ids=["training", "validation"])
@pytest.mark.parametrize("image", PICTURES.values(), ids=PICTURES)
def test_every_field_that_is_read_is_stock_verls_bit_for_bit(model: Path, image: Image.Image, validate: bool) -> None:
    partition = "val" if validate else "train"
    runs = [Run(model, stock=stock)(image, validate=validate) for stock in (True, False)]
    assert runs[0].tags(partition) == runs[1].tags(partition)
    stock, ours = (run.rollouts(partition) for run in runs)
    assert len(stock) == len(ours) == len(TEXTS)
    for theirs, mine in zip(stock, ours, strict=True):
        # The reward and how it came about are what we add; times and the session's number differ between any two runs.
        del mine["rm_scores"], mine["extra_fields"]["reward_extra_info"], mine["extra_fields"][TRACE_KEY]
        for row in (theirs, mine):
            del row["metrics"], row["session_id"]
        assert theirs.keys() - mine.keys() == SPENT
        for name in SPENT:
            del theirs[name]
        assert theirs["multi_modal_inputs"].keys() >= {"pixel_values", "image_grid_thw", "images_seqlens"}
        assert differences(theirs, mine) == []


def test_group_travels_in_one_message(qwen25: Path) -> None:
    run = Run(qwen25)(PICTURES["grey"])
    assert run.queue.messages == [[f"u_{number}_0" for number in range(len(TEXTS))]]


def test_large_features_travel_in_several_messages(qwen25: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (row, *_) = Run(qwen25)(PICTURES["grey"]).rollouts()
    each = sum(value.nbytes for value in row["multi_modal_inputs"].values())
    monkeypatch.setattr(worker_module, "PIECE_BYTES", 3 * each)
    run = Run(qwen25)(PICTURES["grey"])
    assert run.queue.messages == [["u_0_0", "u_1_0", "u_2_0"], ["u_3_0"]]
    monkeypatch.setattr(worker_module, "PIECE_BYTES", 1)
    assert [len(message) for message in Run(qwen25)(PICTURES["grey"]).queue.messages] == [1] * len(TEXTS)


def test_group_of_which_a_rollout_failed_leaves_nothing(qwen25: Path) -> None:
    run = Run(qwen25, texts=[TEXTS[0], RuntimeError("engine died")])(PICTURES["grey"])
    assert run.queue.tags["train/u"] == {"status": "failure"}
    assert run.queue.messages == []


@pytest.mark.parametrize("stock", [True, False], ids=["verl's", "ours"])
def test_rollouts_of_a_validation_count_although_a_sibling_failed(qwen25: Path, stock: bool) -> None:
    texts = [*TEXTS[:-1], RuntimeError("engine died")]
    run = Run(qwen25, texts=texts, stock=stock)(PICTURES["grey"], validate=True)
    assert run.queue.tags["val/u"] == {"status": "failure"}
    assert [len(message) for message in run.queue.messages] == [1] * (len(texts) - 1)


def test_picture_is_processed_once_a_group_and_off_the_event_loop(model: Path) -> None:
    assert len(Run(model, stock=True)(PICTURES["landscape"]).threads) == 2 * len(TEXTS)
    ours = Run(model)(PICTURES["landscape"])
    assert len(ours.threads) == 1
    assert ours.threads[0] is not threading.main_thread()


def test_picture_is_decoded_once_a_group(qwen25: Path) -> None:
    import qwen_vl_utils

    with patch.object(qwen_vl_utils, "process_vision_info", wraps=qwen_vl_utils.process_vision_info) as decode:
        Run(qwen25)(PICTURES["landscape"])
    assert decode.call_count == 1


def test_sharing_can_be_switched_off(qwen25: Path) -> None:
    assert len(Run(qwen25, "speciarl.share_preparation=false")(PICTURES["landscape"]).threads) == 2 * len(TEXTS)


def test_rollouts_get_dicts_of_their_own_with_the_same_tensors(qwen25: Path) -> None:
    first, second, *_ = (row["multi_modal_inputs"] for row in Run(qwen25)(PICTURES["landscape"]).rollouts())
    assert first is not second
    assert first["pixel_values"] is second["pixel_values"]


@pytest.mark.parametrize("texts", [TEXTS, [TEXTS[0], RuntimeError("engine died")]], ids=["whole", "failed"])
def test_features_are_let_go_of_with_the_group(qwen25: Path, texts: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from verl.trainer.ppo.v1 import agent_loop_tq

    # pytest keeps what is logged: the errors, and with them the frames that they passed.
    monkeypatch.setattr(agent_loop_tq.logger, "error", lambda *args, **kwargs: None)
    watched: list[weakref.ref[Any]] = []
    keep = Siblings.keep_features

    def watch(self: Siblings, pictures: Any, features: Any) -> None:
        watched.append(weakref.ref(features["pixel_values"]))
        keep(self, pictures, features)

    with patch.object(Siblings, "keep_features", watch):
        run = Run(qwen25, texts=texts)(PICTURES["landscape"])
    failed = texts is not TEXTS
    assert run.queue.tags["train/u"] == {"status": "failure" if failed else "finished"}
    run.queue.fields.clear()
    gc.collect()
    assert [ref() for ref in watched] == [None]


def test_prompt_that_is_too_long_fails_the_group_with_verls_message(
    qwen25: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(qwen25, "data.max_prompt_length=64")(PICTURES["landscape"])
    assert run.queue.tags["train/u"] == {"status": "failure"}
    assert run.queue.fields == {}
    assert "exceeding rollout.prompt_length=64" in caplog.text


def test_other_agent_loops_take_verls_way(qwen25: Path) -> None:
    run = Run(qwen25)(PICTURES["landscape"], agent_name="single_turn_agent")
    assert len(run.threads) == 2 * len(TEXTS)
    assert len(run.rollouts()) == len(TEXTS)
    # They may be rewarded by a worker that needs it all.
    assert all(row.keys() >= SPENT for row in run.rollouts())


def test_loop_is_built_as_verl_has_hydra_build_it_and_traced_alike(
    qwen25: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails where verl gives its loops more, or other things."""
    with transfer_queue(FakeQueue()):
        worker = build_worker(run_configuration(qwen25), FakeEngine())
    traced: list[dict[str, Any]] = []

    @contextmanager
    def trace_attributes(**attributes: Any) -> Iterator[None]:
        traced.append(attributes)
        yield

    built: list[dict[str, Any]] = []

    class BuiltError(Exception):
        """Far enough."""

    def instantiate(**arguments: Any) -> None:
        built.append(arguments)
        raise BuiltError

    class Loop:
        def __init__(self, **arguments: Any) -> None:
            instantiate(**arguments)

    for module in (agent_loop, worker_module):
        monkeypatch.setattr(module, "rollout_trace_attr", trace_attributes)
    monkeypatch.setattr(agent_loop.hydra.utils, "instantiate", instantiate)
    monkeypatch.setattr(worker_module, "SpeciaRLAgentLoop", Loop)
    trajectory = {"step": 3, "sample_index": 1, "rollout_n": 2, "validate": False, "else": 0}
    for name in ("single_turn_agent", AGENT_NAME):
        with pytest.raises(BuiltError):
            asyncio.run(worker._run_agent_loop({}, trajectory, agent_name=name, trace=True))
    theirs, ours = ({name: _unwrapped(value) for name, value in arguments.items()} for arguments in built)
    assert theirs.pop("config")["_target_"].endswith("SingleTurnAgentLoop")
    assert theirs.keys() == ours.keys()
    assert [name for name in ours if theirs[name] is not ours[name]] == []
    assert traced[0] == traced[1]


def _unwrapped(value: Any) -> Any:
    if isinstance(value, agent_loop.DictConfigWrap):
        return value.config
    return value.tools if isinstance(value, agent_loop.ToolListWrap) else value


def test_row_stays_whole_and_travels_alone_where_sharing_is_switched_off(qwen25: Path) -> None:
    run = Run(qwen25, "speciarl.share_preparation=false")(PICTURES["grey"])
    assert [len(message) for message in run.queue.messages] == [1] * len(TEXTS)
    assert all(row.keys() >= SPENT for row in run.rollouts())
