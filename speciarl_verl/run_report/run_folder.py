"""The folder of a training, as recipes/train.sh leaves it; whatever is not there yet is left out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from speciarl_verl.errors import InputError
from speciarl_verl.files import read_text
from speciarl_verl.rollout.step_figures import validation_figures
from speciarl_verl.watch.follower import steps_meant
from speciarl_verl.watch.metrics_log import GrowingFile, LoggedStep, metric_files, read_steps
from speciarl_verl.watch.versions import VERSIONS_SUFFIX

_ACCOUNT_SUFFIX = ".judge.json"
_CONFIG = Path("hydra/.hydra/config.yaml")
_LOG = "train.log"
_CREDENTIALS = re.compile(r"(://)[^/\s@'\"]+@")


@dataclass(frozen=True)
class Launch:
    """What one start of a run left beside its metrics.

    Attributes:
        name: when it was started, UTC.
        account: what the judging cost, by the names of `Account.figures`.
        versions: of what it ran with.
    """

    name: str
    account: Mapping[str, float]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Run:
    """A training.

    Attributes:
        name: of its folder; told apart from the others of a report.
        steps: what was logged, validations before training included.
        rollouts: `rollouts/<step>.jsonl` by step, in order.
        total: steps that verl meant to do; None where its log does not tell.
        config: the composed configuration as YAML, without credentials; empty where it is not there.
    """

    name: str
    folder: Path
    steps: Sequence[LoggedStep]
    rollouts: Mapping[int, Path]
    launches: Sequence[Launch]
    total: int | None
    config: str

    @property
    def training(self) -> list[LoggedStep]:
        """The steps of training."""
        return [step for step in self.steps if step.is_training]

    def validations(self, metric: str) -> list[tuple[int, float]]:
        """Step and value of `specificity`, `correctness` or `hm`, in the mean over the data sets."""
        found = []
        for step in self.steps:
            values = [v for k, v in validation_figures(step.figures).items() if k.endswith(f"/{metric}")]
            if values:
                found.append((step.number, sum(values) / len(values)))
        return found

    def setting(self, key: str) -> Any:
        """A value of the configuration by its dotted key; None where it is not there."""
        node: Any = yaml.safe_load(self.config) if self.config else {}
        for part in key.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        return node


def open_run(folder: Path, name: str | None = None) -> Run:
    """Read all but the rollouts.

    Raises:
        InputError: it is no folder of a training, or nothing was logged yet.
    """
    files = metric_files(folder / "metrics")
    steps = read_steps(files)
    if not any(step.is_training for step in steps):
        raise InputError(f"{folder}: no step of training is logged in metrics/: name the --out of a recipes/train.sh")
    rollouts = {int(path.stem): path for path in (folder / "rollouts").glob("*.jsonl") if path.stem.isdigit()}
    return Run(
        name or folder.resolve().name,
        folder,
        steps,
        dict(sorted(rollouts.items())),
        [_launch(file) for file in files],
        _total(folder / _LOG),
        _config(folder / _CONFIG),
    )


def open_runs(folders: Sequence[Path]) -> list[Run]:
    """Some runs, each by a name of its own.

    Raises:
        InputError: see `open_run`; or a folder is given twice.
    """
    resolved = [folder.resolve() for folder in folders]
    for folder in resolved:
        if resolved.count(folder) > 1:
            raise InputError(f"{folder} is given twice")
    names = [folder.name for folder in resolved]
    return [
        open_run(folder, name if names.count(name) == 1 else f"{path.parent.name}/{name}")
        for folder, path, name in zip(folders, resolved, names, strict=True)
    ]


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The judged rollouts of a step, one at a time.

    Raises:
        InputError: a line that is whole is no JSON object.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                # A copy of a run that was going may end within a line.
                if line.endswith(b"\n"):
                    yield _row(line, path, number)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _row(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict) or not {"category", "uid", "ground_truth"} <= row.keys():
        raise InputError(f"{path}:{number}: no judged rollout: {line[:60]!r}")
    return row


def _launch(metrics: Path) -> Launch:
    account = _json(metrics.with_name(metrics.stem + _ACCOUNT_SUFFIX))
    versions = _json(metrics.with_name(metrics.stem + VERSIONS_SUFFIX))
    return Launch(metrics.stem, account, {name: str(version) for name, version in versions.items()})


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        value = json.loads(read_text(path))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: not one JSON object")
    return value


def _total(log: Path) -> int | None:
    found = [total for total in map(steps_meant, GrowingFile(log).new_lines()) if total is not None]
    return found[-1] if found else None


def _config(path: Path) -> str:
    return _CREDENTIALS.sub(r"\1***@", read_text(path)) if path.exists() else ""
