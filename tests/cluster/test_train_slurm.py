"""The Slurm script, run by a stand-in for Slurm, with stand-ins for what it starts: who starts where, and ends when."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120

# Each writes down its own start and its own end.
TRAIN = """
echo "train $SLURM_RESTART_COUNT RAY_ADDRESS=$RAY_ADDRESS PASSWORD=${CACHE_PASSWORD:-} $*" >>"$JOURNAL"
stop() { echo "train asked to stop" >>"$JOURNAL"; sleep 0.5; exit 0; }
trap stop TERM
case $TRAIN_MODE in
  ends) exit 0 ;;
  fails) exit 1 ;;
  resumes) ((SLURM_RESTART_COUNT == 0)) || { echo "train resumed" >>"$JOURNAL"; exit 0; } ;;
esac
while sleep 0.1; do :; done
"""
JUDGE = """
echo "judge on $SLURMD_NODENAME $*" >>"$JOURNAL"
[[ $JUDGE_MODE != dies ]] || exit 1
# All machines are one here, and so is the port.
if [[ $SLURMD_NODENAME != node3 ]]; then
  trap 'echo "judge ended" >>"$JOURNAL"; exit 143' TERM
  while sleep 0.1; do :; done
fi
trap 'echo "judge ended" >>"$JOURNAL"; kill "$server"; exit 143' TERM
cd "$(mktemp -d)" && touch health_generate && "$PYTHON" -m http.server --bind 127.0.0.1 "$JUDGE_PORT" 2>/dev/null &
server=$!
wait "$server"
"""
RAY = """
echo "ray on $SLURMD_NODENAME $*" >>"$JOURNAL"
trap 'echo "ray ended on $SLURMD_NODENAME" >>"$JOURNAL"; exit 143' TERM
while sleep 0.1; do :; done
"""
WAIT = "import os, sys\nopen(os.environ['JOURNAL'], 'a').write('waited ' + ' '.join(sys.argv[1:]) + '\\n')\n"


class Job:
    """One submission in a checkout of stand-ins."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.journal = folder, folder / "journal"
        cluster = folder / "recipes/cluster"
        cluster.mkdir(parents=True)
        (folder / "recipes/train.sh").write_text(TRAIN)
        (folder / "recipes/serve_judge.sh").write_text(JUDGE)
        (cluster / "ray_node.sh").write_text(RAY)
        (cluster / "wait_for_nodes.py").write_text(WAIT)
        script = (ROOT / "recipes/cluster/train.slurm").read_text()
        # The judge's machine is this one.
        (cluster / "train.slurm").write_text(script.replace("http://${JUDGING[0]}", "http://127.0.0.1"))
        binaries = folder / "bin"
        binaries.mkdir()
        for name in ("sbatch", "srun", "scontrol", "scancel"):
            file = binaries / name
            file.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/cluster/stand_in_slurm.py {name} "$@"\n')
            file.chmod(file.stat().st_mode | stat.S_IXUSR)
        self.environment = {
            **os.environ,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "PYTHONPATH": str(folder),
            "STAND_IN_SLURM": str(folder / "slurm"),
            "JOURNAL": str(self.journal),
            "JUDGE_PORT": str(port),
            "TRAIN_MODE": "ends",
            "JUDGE_MODE": "answers",
        }

    def submit(self, *options: str, arguments: tuple[str, ...] = (), **variables: str) -> "subprocess.Popen[bytes]":
        command = ["sbatch", "--wait", *options, "recipes/cluster/train.slurm", *arguments]
        return subprocess.Popen(command, cwd=self.folder, env={**self.environment, **variables})

    def lines(self) -> list[str]:
        return self.journal.read_text().splitlines() if self.journal.exists() else []

    def log(self) -> str:
        return (self.folder / "speciarl-4242.log").read_text()

    def wait_for(self, start: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not any(line.startswith(start) for line in self.lines()):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def assert_all_released(self) -> None:
        assert not (self.folder / "slurm/killed").exists(), "the script left steps behind"
        assert {"ray ended on node1", "ray ended on node2", "judge ended"} <= set(self.lines())


@pytest.fixture
def job(tmp_path: Path, unused_port: int) -> Job:
    return Job(tmp_path / "checkout", unused_port)


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_starts_each_part_on_its_machine_and_releases_all_at_the_end(job: Job, unused_port: int) -> None:
    arguments = ("--out", "outputs/a run", "--", "trainer.total_epochs=5")
    ended = job.submit(arguments=arguments, JUDGE_FLAGS="--tp 1 --replicas 2", CACHE_PASSWORD="secret")
    assert ended.wait(PATIENCE_S) == 0, job.log()
    lines = job.lines()
    assert f"judge on node3 --host 0.0.0.0 --port {unused_port} --log-dir outputs/judge --tp 1 --replicas 2" in lines
    assert "ray on node1 head --address node1:6379 -- --num-gpus 4" in lines
    assert "ray on node2 join --address node1:6379 -- --num-gpus 4" in lines
    assert "waited --address node1:6379 --nodes 2 --gpus-per-node 4 --seconds 1800" in lines
    training = (
        "train 0 RAY_ADDRESS=node1:6379 PASSWORD=secret --nnodes 2 --gpus-per-node 4 --judge server --judge-url "
        f"http://127.0.0.1:{unused_port} --out outputs/a run -- trainer.total_epochs=5"
    )
    assert training in lines
    job.assert_all_released()
    assert "secret" not in job.log()


def test_failed_training_releases_all_and_fails_the_job(job: Job) -> None:
    assert job.submit(TRAIN_MODE="fails").wait(PATIENCE_S) == 1
    job.assert_all_released()
    assert not any("resumed" in line for line in job.lines())


def test_judge_that_does_not_come_up_fails_the_job(job: Job) -> None:
    assert job.submit(JUDGE_MODE="dies").wait(PATIENCE_S) == 1
    assert "the judge's server ended before it answered" in job.log()
    assert not any(line.startswith("train ") for line in job.lines())
    assert not (job.folder / "slurm/killed").exists()


def test_warning_before_the_time_limit_stops_the_training_and_the_requeued_job_resumes(job: Job) -> None:
    running = job.submit("--time=00:10:00", "--signal=B:USR1@599", TRAIN_MODE="resumes")
    job.wait_for("train 0")
    (job.folder / "slurm/clock").touch()
    job.wait_for("train asked to stop")
    (job.folder / "slurm/clock").unlink()
    assert running.wait(PATIENCE_S) == 0, job.log()
    lines = job.lines()
    assert lines.index("train asked to stop") < lines.index("train resumed")
    assert lines.count("judge ended") == 2
    job.assert_all_released()


def test_cancelled_job_stops_the_training_and_is_not_requeued(job: Job) -> None:
    running = job.submit(TRAIN_MODE="goes on")
    job.wait_for("train 0")
    subprocess.run(["scancel", "4242"], env=job.environment, check=True)
    assert running.wait(PATIENCE_S) == 143, job.log()
    assert "train asked to stop" in job.lines()
    assert sum(line.startswith("train ") and "RAY_ADDRESS" in line for line in job.lines()) == 1
    job.assert_all_released()


def test_job_of_one_kind_of_machines_is_refused(job: Job) -> None:
    script = job.folder / "recipes/cluster/train.slurm"
    script.write_text(script.read_text().replace("#SBATCH hetjob\n", ""))
    assert job.submit().wait(PATIENCE_S) == 2
    assert "this needs a heterogeneous job of two" in job.log()


def two_judges(job: Job) -> None:
    script = job.folder / "recipes/cluster/train.slurm"
    head, tail = script.read_text().split("#SBATCH hetjob\n")
    script.write_text(f"{head}#SBATCH hetjob\n{tail.replace('--nodes=1', '--nodes=2', 1)}")


def test_two_machines_judge_behind_the_router_of_the_first(job: Job, unused_port: int) -> None:
    two_judges(job)
    assert job.submit(JUDGE_FLAGS="--tp 1 --dp 2").wait(PATIENCE_S) == 0, job.log()
    where = f"--host 0.0.0.0 --port {unused_port} --log-dir outputs/judge"
    assert f"judge on node4 {where}/node4 --tp 1 --dp 2" in job.lines()
    assert f"judge on node3 {where}/node3 --tp 1 --dp 2 --also http://node4:{unused_port}" in job.lines()
    assert job.lines().count("judge ended") == 2
    job.assert_all_released()


def test_two_machines_of_several_servers_each_are_refused(job: Job) -> None:
    two_judges(job)
    assert job.submit(JUDGE_FLAGS="--tp 1 --replicas 2").wait(PATIENCE_S) == 2
    assert "--replicas has no place; --dp N makes N copies on each" in job.log()


def test_by_hand_it_says_what_it_is_for(job: Job) -> None:
    script = ["bash", "recipes/cluster/train.slurm"]
    environment = {name: value for name, value in job.environment.items() if not name.startswith("SLURM_")}
    ended = subprocess.run(script, cwd=job.folder, env=environment, capture_output=True, text=True)
    assert ended.returncode != 0
    assert "is set by sbatch" in ended.stderr


@pytest.mark.parametrize("script", ["recipes/cluster/train.slurm", "recipes/cluster/ray_node.sh"])
def test_shellcheck_finds_nothing(script: str) -> None:
    checked = subprocess.run(["shellcheck", script], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
