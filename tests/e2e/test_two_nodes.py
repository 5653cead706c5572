"""A training over two machines, played by two Ray nodes of this one: FSDP2 over two ranks, two vLLM replicas, two
agent-loop workers, one judge server, a Redis cache with a password. It is killed once, and resumes."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.drills.processes import adopting, below, left_after, named, orphaned, segments
from tests.drills.training import Training, assert_no_reward_made_up, free_port, paid_again
from tests.e2e.conftest import ROOT, World, environment
from tests.e2e.test_training import metrics

PASSWORD = "correct horse"
STEPS = 4


class Machines:
    """Two Ray nodes, a judge and a cache, each a child of this process."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.judge_port, self.redis_port = free_port(), free_port()
        # The address by which other machines would know this one.
        host = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
        self.address = f"{host[0] if host else '127.0.0.1'}:{free_port()}"
        self.journal = folder / "journal"
        self.environment = {
            **environment(),
            "VERL_PLATFORM": "cpu",
            "OMP_WAIT_POLICY": "passive",
            "CACHE_PASSWORD": PASSWORD,
        }
        known = Path(sys.prefix, ".cache/vllm")
        if known.is_dir():
            self.environment["VLLM_CACHE_ROOT"] = str(known)
        self._start("judge", sys.executable, "-m", "tests.drills.counting_judge", self.judge_port, self.journal)
        self._start("redis", "redis-server", "--port", self.redis_port, "--requirepass", PASSWORD, "--save", "")
        # Its own, and short: sockets lie in it.
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True))
        self._node("head", "--temp-dir", temporary)
        self.join()

    def join(self) -> None:
        """The second machine comes to the first."""
        self._node("join")
        waiting = ["--address", self.address, "--nodes", "2", "--gpus-per-node", "1", "--seconds", "300"]
        self._run(sys.executable, "-m", "recipes.cluster.wait_for_nodes", *waiting)

    def kill_the_joined(self) -> None:
        """Its raylet, and so all that runs on it."""
        node = self._processes["join"]
        (raylet,) = (process for process in below(node.pid) if process.name() == "raylet")
        raylet.kill()
        node.wait(60)

    def _node(self, role: str, *flags: str) -> None:
        # GPUs are only counted, as on every machine without one.
        size = ["--num-gpus", "1", "--num-cpus", "16", "--object-store-memory", "200000000"]
        self._start(role, "bash", "recipes/cluster/ray_node.sh", role, "--address", self.address, "--", *size, *flags)

    def _run(self, *command: str) -> None:
        ended = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr + self.said("head") + self.said("join")

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def _start(self, name: str, *command: object) -> None:
        with (self.folder / f"{name}.log").open("w") as log:
            arguments = [str(part) for part in command]
            process = subprocess.Popen(
                arguments, cwd=self.folder if name == "redis" else ROOT, env=self.environment, stdout=log, stderr=log
            )
        self._processes[name] = process
        self._stack.callback(self._end, process)

    @staticmethod
    def _end(process: "subprocess.Popen[bytes]") -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def training(self, world: World, out: Path, *last: str) -> Training:
        flags = ["--judge", "server", "--judge-url", f"http://127.0.0.1:{self.judge_port}"]
        flags += ["--nnodes", "2", "--gpus-per-node", "1"]
        overrides = [
            f"trainer.total_training_steps={STEPS}",
            "trainer.total_epochs=10",
            "trainer.save_freq=1",
            "trainer.test_freq=-1",
            f"speciarl.judge.cache=redis://127.0.0.1:{self.redis_port}/0",
            "speciarl.judge.cache_password_env=CACHE_PASSWORD",
            "actor_rollout_ref.rollout.agent.num_workers=2",
        ]
        # 8 x 8 rollouts over two ranks.
        micro = ("actor.ppo_micro_batch_size_per_gpu", "rollout.log_prob_micro_batch_size_per_gpu")
        overrides += [f"actor_rollout_ref.{key}=32" for key in (*micro, "ref.log_prob_micro_batch_size_per_gpu")]
        variables = {"RAY_ADDRESS": self.address, "CACHE_PASSWORD": PASSWORD}
        return Training(world.command(out, *flags, overrides=(*overrides, *last)), out, extra=variables)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with adopting():
        known, shared = {process.pid for process in below()}, segments()
        with ExitStack() as stack:
            yield Machines(tmp_path, stack)
        assert left_after(60, known) == []
        assert orphaned(segments() - shared) == set()


REPEATED = [
    pytest.param(0, marks=[pytest.mark.e2e, pytest.mark.full]),
    *(pytest.param(number, marks=pytest.mark.drill) for number in range(1, 10)),
]


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("_repetition", REPEATED)
def test_training_over_two_nodes_is_killed_and_resumes(
    machines: Machines, world: World, tmp_path: Path, _repetition: int
) -> None:
    training = machines.training(world, tmp_path / "out")
    try:
        training.start()
        training.wait_for_step(2)
        parts = ("WorkerDict", "vLLMHttpServer", "SpeciaRLAgentLoopWorker")
        assert {part: len(named(f"ray::{part}")) for part in parts} == dict.fromkeys(parts, 2)
        assert len({worker.ppid() for worker in named("ray::SpeciaRLAgentLoopWorker")}) == 2, "both on one node"
        (driver,) = named("verl.trainer.main_ppo")
        driver.kill()
        killed_at = time.time()
        assert training.wait(60) != 0
        reached = training.saved_step()
        assert reached >= 1, "more than save_freq steps were lost"

        training.resume(reached)
    finally:
        training.clean_up()
    assert training.saved_step() == STEPS
    logged = metrics(training.out)
    assert set(range(1, STEPS + 1)) <= logged.keys(), "verl's metrics of the processes of a cluster that was there"
    assert all(logged[step]["actor/grad_norm"] > 0 for step in range(1, STEPS + 1))

    # No group is split, and every rollout is rewarded once: 8 groups of the sessions 0 to 7, by the rule.
    assert_no_reward_made_up(training)
    last = sorted((training.out / "metrics").glob("*.judge.json"))[-1]
    assert_account_adds_up(json.loads(last.read_text()), training, range(reached + 1, STEPS + 1))
    assert paid_again(machines.journal, killed_at) == []
    assert PASSWORD not in training.said()
    assert not [file for file in training.out.rglob("*") if file.is_file() and PASSWORD.encode() in file.read_bytes()]


def assert_account_adds_up(account: dict[str, float], training: Training, steps: range) -> None:
    """Over both workers, each answer was asked about once, and decided by somebody."""
    records = [record for step in steps for group in training.groups(step) for record in group]
    answered = sum(record["category"] != "unparseable" for record in records)
    assert account["failed"] == 0
    assert account["asked"] == answered, account
    assert 0 < account["sent"] <= len((training.out.parent / "journal").read_text().splitlines())
