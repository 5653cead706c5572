"""Runs the study: one row after another, each result appended to the JSONL as it comes.

    python -m recipes.study.run [--plan] [--only PATTERN]... [--seed N]... [--at-most N]

What a seed needs (its birds, its warmed-up policy) is made when it is first needed, and kept in
`outputs/study/seed<N>`. A training goes through `recipes/train.sh` as any other; killed in the middle, it is started
afresh.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

import typer
from filelock import FileLock, Timeout

from recipes.quickstart.course import read_steps
from recipes.quickstart.stage import run_stage
from recipes.study.contrasts import repetition
from recipes.study.results import append_results, figures, is_done, read_results
from recipes.study.rows import BASELINE_NAMES, BASELINES, Run, Setting, all_runs, choose
from speciarl_verl.errors import InputError, SpeciaRLError

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results.jsonl"
_SECONDS_BEFORE_ANY = 360.0
_MICRO_BATCH = 128


class RunError(SpeciaRLError):
    """A stage of a run ended badly; names its log."""


def prepare(seed: int, setting: Setting, work: Path) -> Path:
    """The folder of a seed, made if need be: `birds/`, `data/`, `policy/`."""
    folder = work / f"seed{seed}"
    stages = {
        folder / "birds": ["recipes.study.birds", "--out", folder / "birds", "--train", setting.images],
        folder / "policy": ["recipes.study.warmup", "--out", folder / "policy", "--steps", setting.warmup],
    }
    for output, command in stages.items():
        if not output.exists():
            _stage([sys.executable, "-m", *command, "--seed", seed], folder / f"{output.name}.log")
    return folder


def data_of(run: Run, folder: Path) -> Path:
    """The parquets of a run's pictures, made if need be."""
    data = folder / f"data-{run.images}"
    if not (data / "manifest.json").exists():
        command = ["data_prep", "folder", "--source", folder / "birds" / "pictures", "--out", data]
        _stage([sys.executable, "-m", *command, "--train-size", run.images, "--seed", run.seed], folder / "data.log")
    return data


def train(run: Run, folder: Path, out: Path) -> Path:
    """Train, and give the folder of the trained policy."""
    data = data_of(run, folder)
    shared = ["--train", data / "train.parquet", "--model", folder / "policy", "--out", out, "--profile", "cpu"]
    shared += ["--seed", run.seed]
    step = out / "checkpoints" / f"global_step_{run.steps}"
    if run.row.supervised:
        policy = step / "huggingface"
        script, flags = "sft.sh", ["--epochs", 1]
        overrides = [f"data.train_batch_size={run.setting.prompts}"]
    else:
        policy = step / "actor" / "huggingface"
        flags = ["--val", data / "val.parquet", "--taxonomy", folder / "birds" / "taxonomy.json"]
        flags += ["--rollouts", run.row.n, *run.row.flags]
        script, overrides = "train.sh", _reinforced(run)
    shutil.rmtree(out, ignore_errors=True)
    _stage(["bash", ROOT / "recipes" / script, *shared, *flags, "--", *overrides], out.with_suffix(".log"))
    if not policy.exists():
        raise RunError(f"{run.row.name}, seed {run.seed}: no {policy}: see {out.with_suffix('.log')}")
    return policy


def _reinforced(run: Run) -> list[str]:
    setting, batch = run.setting, run.setting.prompts * run.row.n
    micro = min(batch, _MICRO_BATCH)
    return [
        f"data.train_batch_size={setting.prompts}",
        "data.max_prompt_length=32",
        "data.max_response_length=16",
        f"actor_rollout_ref.rollout.max_num_seqs={min(batch, 256)}",
        f"actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu={micro}",
        f"actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu={micro}",
        f"actor_rollout_ref.actor.ppo_mini_batch_size={setting.prompts}",
        f"actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu={micro}",
        f"actor_rollout_ref.actor.optim.lr={setting.rate}",
        f"actor_rollout_ref.actor.kl_loss_coef={setting.kl}",
        "actor_rollout_ref.actor.checkpoint.save_contents=[model,hf_model]",
        # DAPO's penalty is for rambling: the longest proper answer has nine tokens.
        "speciarl.reward.overlong.buffer_tokens=4",
        f"trainer.total_training_steps={setting.steps}",
        "trainer.total_epochs=100000",
        f"trainer.save_freq={setting.steps}",
        "trainer.test_freq=-1",
        "trainer.val_before_train=false",
    ]


def evaluate(policy: Path, run: Run, folder: Path, out: Path) -> dict[str, Any]:
    """What `recipes.study.evaluate` finds."""
    command = ["recipes.study.evaluate", "--policy", policy, "--taxonomy", folder / "birds" / "taxonomy.json"]
    command += ["--out", out, "--pictures", run.setting.held_out, "--seed", run.seed]
    command += ["--baselines"] if run.row.name == BASELINES else []
    _stage([sys.executable, "-m", *command], out.with_suffix(".evaluation.log"))
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def complete(run: Run, work: Path) -> list[dict[str, Any]]:
    """Do one run; gives its results, one for most rows.

    Raises:
        RunError: a stage ended badly.
    """
    at = {"commit": _commit(), "machine": _machine()}
    start = time.monotonic()
    folder = prepare(run.seed, run.setting, work)
    seconds = {"prepare": time.monotonic() - start}
    out = work / "runs" / f"{run.row.name.replace(' ', '-').replace('/', '_')}-seed{run.seed}"
    out.parent.mkdir(parents=True, exist_ok=True)
    course: list[Any] = []
    policy = folder / "policy"
    if run.row.name != BASELINES:
        start = time.monotonic()
        policy = train(run, folder, out)
        seconds["train"] = time.monotonic() - start
        if not run.row.supervised:
            course = [
                [step.number, round(step.reward, 4), {name: round(share, 4) for name, share in step.shares.items()}]
                for step in read_steps(out / "metrics")
            ]
    start = time.monotonic()
    found = evaluate(policy, run, folder, out.with_suffix(".json"))
    seconds["evaluate"] = time.monotonic() - start
    shutil.rmtree(out, ignore_errors=True)
    shared: dict[str, Any] = at | {
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "run": run.as_json(),
    }
    shared |= {"steps": run.steps, "rollouts": run.rollouts}
    return [
        {"name": BASELINE_NAMES[name] if run.row.name == BASELINES else run.row.name, "seed": run.seed}
        | shared
        | {"figures": figures(domains), "domains": domains, "course": course}
        for name, domains in found.items()
    ]


def describe(runs: Sequence[Run], results: Sequence[Mapping[str, Any]]) -> str:
    """What is left and how long it takes, by the mean of runs with as many rollouts."""
    lines, total = [], 0.0
    for run in runs:
        seconds = _expected(run, results)
        total += seconds
        lines.append(f"{run.row.name}, seed {run.seed}: {seconds / 60:.1f} min")
    return "\n".join([*lines, f"{len(runs)} runs left, {total / 3600:.1f} h"])


def _expected(run: Run, results: Sequence[Mapping[str, Any]]) -> float:
    alike = [sum(r["seconds"].values()) - r["seconds"]["prepare"] for r in results if r["run"]["n"] == run.row.n]
    return fmean(alike) if alike else _SECONDS_BEFORE_ANY


def _stage(command: Sequence[object], log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env=os.environ | {"PYTHON": sys.executable, "OMP_WAIT_POLICY": "passive"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        last = (log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["nothing"])[-1][:300]
        name = " ".join(str(part) for part in command[:3])
        raise RunError(f"`{name} ...` ended with status {done.returncode}: {last} (see {log})")


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "recipes", "speciarl_verl", "data_prep")
    # Results are appended while the study runs; that is no change of what is run.
    changed = "\n".join(line for line in changed.splitlines() if RESULTS.name not in line)
    return git("rev-parse", "--short=12", "HEAD") + ("+changes" if changed else "")


def _machine() -> str:
    cpu = next(
        (line.split(":")[1].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")),
        platform.processor(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("verl", "torch"))
    return f"{os.cpu_count()} x {cpu}; Python {platform.python_version()}, {packages}"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def main(
    only: Annotated[list[str] | None, typer.Option(help="Rows to run (`*` is a wildcard).")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds to run; default: those of the study.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what is left and how long it takes; run nothing.")] = False,
    at_most: Annotated[int | None, typer.Option(min=1, help="Runs after which to end.")] = None,
    results: Annotated[Path, typer.Option(help="JSONL that results are appended to.")] = RESULTS,
    work: Annotated[Path, typer.Option(help="Folder of birds, policies and logs.")] = Path("outputs/study"),
    setting: Annotated[str, typer.Option(help="JSON of what differs from the study's setting, for tests.")] = "{}",
) -> None:
    """Run the study, or what is left of it."""
    try:
        chosen = choose(all_runs(Setting(**json.loads(setting))), only or [], seed or [])
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error
    left = [run for run in chosen if not is_done(run, read_results(results))]
    if plan:
        typer.echo(describe(left, read_results(results)))
        return
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / "lock", timeout=0):
            for run in left[:at_most]:
                typer.echo(f"{time.strftime('%H:%M:%S')} {run.row.name}, seed {run.seed} ...")
                found = complete(run, work)
                append_results(results, found)
                for result in found:
                    shown = {name: f["hm"] for name, f in result["figures"].items() if "-" in name}
                    typer.echo(f"   {result['name']}: HM {shown}, {result['seconds']} s")
                    if compared := repetition(result, read_results(results)):
                        typer.echo(f"   {compared}")
    except Timeout:
        raise InputError(f"{work / 'lock'}: another study is running there: two trainings cannot go at once") from None


if __name__ == "__main__":
    run_stage(main)
