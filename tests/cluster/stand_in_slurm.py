"""A stand-in for Slurm on one machine: `sbatch --wait`, `srun`, `scontrol` and `scancel`, as a batch script sees them.

What it keeps of Slurm: `#SBATCH` lines up to the first command, `hetjob` between components, a copy of the script in a
spool folder, the variables of a heterogeneous job, compressed lists of hosts, a signal before the time limit to the
batch shell alone (`B:`), TERM then KILL at the limit and on scancel for shell and steps, the end of all steps when the
script ends, requeue with its count, and the exit status of the script. A machine is a name; its steps run here.

    python -m tests.cluster.stand_in_slurm sbatch|srun|scontrol|scancel ARG...

State lives in the folder that STAND_IN_SLURM names: `steps/` has a file a running step, `killed` the steps that a
script left behind, `requeued` and `cancelled` are requests to `sbatch`. The time limit counts from when the file
`clock` is there, so that a busy machine is no shorter job.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

STATE = Path(os.environ.get("STAND_IN_SLURM", "/nonexistent"))
KILL_WAIT_S = 10
JOB_ID = "4242"


def directives(script: str) -> list[dict[str, str]]:
    """The options of each component; what Slurm propagates to the later ones matters to no test."""
    components: list[dict[str, str]] = [{}]
    for line in script.splitlines()[1:]:
        if line and not line.startswith("#"):
            break
        if line == "#SBATCH hetjob":
            components.append({})
        elif line.startswith("#SBATCH --"):
            components[-1].update([option(line.removeprefix("#SBATCH "))])
    return components


def option(text: str) -> tuple[str, str]:
    name, _, value = text.removeprefix("--").partition("=")
    return name, value


def seconds(limit: str) -> int:
    """`hours:minutes:seconds`."""
    hours, minutes, rest = limit.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def hosts(first: int, count: int) -> str:
    """As Slurm writes a list: `node[1-2]`."""
    return f"node{first}" if count == 1 else f"node[{first}-{first + count - 1}]"


def hostnames(listed: str) -> list[str]:
    found = re.fullmatch(r"(\w+)\[(\d+)-(\d+)\]", listed)
    if found is None:
        return [listed]
    return [f"{found[1]}{number}" for number in range(int(found[2]), int(found[3]) + 1)]


def environment(components: Sequence[dict[str, str]], restarts: int) -> dict[str, str]:
    variables = {
        "SLURM_JOB_ID": JOB_ID,
        "SLURM_SUBMIT_DIR": os.getcwd(),
        "SLURM_HET_SIZE": str(len(components)),
        "SLURM_RESTART_COUNT": str(restarts),
        "SLURM_GPUS_ON_NODE": components[0].get("gpus-per-node", "0"),
    }
    first = 1
    for number, component in enumerate(components):
        count = int(component["nodes"])
        variables[f"SLURM_JOB_NODELIST_HET_GROUP_{number}"] = hosts(first, count)
        first += count
    return {**os.environ, **variables}


def sbatch(arguments: list[str]) -> int:
    given: dict[str, str] = {}
    while arguments[0].startswith("--"):
        given.update([option(arguments.pop(0))])
    assert "wait" in given, "the stand-in has no queue"
    script, *rest = arguments
    components = directives(Path(script).read_text())
    components[0].update(given)
    (STATE / "steps").mkdir(parents=True)
    spooled = STATE / "slurm_script"
    shutil.copy(script, spooled)
    restarts = 0
    while True:
        status = one_run(components, [str(spooled), *rest], restarts)
        if not (STATE / "requeued").exists():
            return status
        (STATE / "requeued").unlink()
        restarts += 1


def one_run(components: Sequence[dict[str, str]], command: Sequence[str], restarts: int) -> int:
    output = Path(components[0]["output"].replace("%j", JOB_ID))
    with output.open("a") as log:
        batch = subprocess.Popen(
            ["bash", *command], env=environment(components, restarts), stdout=log, stderr=log, start_new_session=True
        )
    name, _, before = components[0]["signal"].removeprefix("B:").partition("@")
    limit, warned, started = seconds(components[0]["time"]), False, None
    while batch.poll() is None:
        if started is None and (STATE / "clock").exists():
            started = time.monotonic()
        spent = 0.0 if started is None else time.monotonic() - started
        if spent > limit - int(before) and not warned:
            warned = True
            # To the shell alone: its children have the signal only from it.
            batch.send_signal(signal.Signals[f"SIG{name}"])
        if spent > limit or (STATE / "cancelled").exists() or (STATE / "requeued").exists():
            terminate(batch)
        time.sleep(0.05)
    end_steps()
    return batch.returncode


def terminate(batch: "subprocess.Popen[bytes]") -> None:
    for step in running_steps():
        with suppress(ProcessLookupError):
            os.kill(step, signal.SIGTERM)
    batch.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        batch.wait(KILL_WAIT_S)
    with suppress(ProcessLookupError):
        os.killpg(batch.pid, signal.SIGKILL)
    batch.wait()


def running_steps() -> list[int]:
    return [int(file.name) for file in (STATE / "steps").iterdir()]


def end_steps() -> None:
    """What a script leaves behind Slurm kills; a good script leaves nothing."""
    for step in running_steps():
        with (STATE / "killed").open("a") as killed:
            killed.write(f"{(STATE / 'steps' / str(step)).read_text()}\n")
        with suppress(ProcessLookupError):
            os.kill(step, signal.SIGKILL)
        (STATE / "steps" / str(step)).unlink(missing_ok=True)


def srun(arguments: list[str]) -> int:
    given: dict[str, str] = {}
    while arguments[0].startswith("--"):
        given.update([option(arguments.pop(0))])
    component = hostnames(os.environ[f"SLURM_JOB_NODELIST_HET_GROUP_{given['het-group']}"])
    if given["nodelist"] not in component:
        print(f"srun: error: {given['nodelist']} is not in the component", file=sys.stderr)  # noqa: T201
        return 1
    task = subprocess.Popen(
        arguments, env={**os.environ, "SLURMD_NODENAME": given["nodelist"], "SLURM_PROCID": "0"}, start_new_session=True
    )
    record = STATE / "steps" / str(os.getpid())
    record.write_text(" ".join([given["nodelist"], *arguments]))

    def forward(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(task.pid, number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, forward)
    status = task.wait()
    with suppress(ProcessLookupError):
        os.killpg(task.pid, signal.SIGKILL)
    record.unlink(missing_ok=True)
    return 128 - status if status < 0 else status


def scontrol(arguments: list[str]) -> int:
    if arguments[:2] == ["show", "hostnames"]:
        print("\n".join(hostnames(arguments[2])))  # noqa: T201
    elif arguments == ["requeue", JOB_ID]:
        (STATE / "requeued").touch()
        # Slurm ends the script that asked.
        time.sleep(KILL_WAIT_S)
    else:
        raise SystemExit(f"scontrol: error: {arguments}")
    return 0


def scancel(arguments: list[str]) -> int:
    assert arguments == [JOB_ID]
    (STATE / "cancelled").touch()
    return 0


if __name__ == "__main__":
    verb = {"sbatch": sbatch, "srun": srun, "scontrol": scontrol, "scancel": scancel}[sys.argv[1]]
    sys.exit(verb(sys.argv[2:]))
