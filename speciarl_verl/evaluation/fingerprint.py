"""What tells one text, one set of weights or one installation from another."""

import hashlib
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from speciarl_verl.files import readable

_SAMPLED = 1 << 20
# Weights, configuration, tokenizer and processor; a checkpoint's optimizer is none of a policy's identity.
_COUNTED = (
    *("model", "pytorch_model", "adapter", "lora_train_meta", "config", "generation_config"),
    *("tokenizer", "special_tokens", "added_tokens", "vocab", "chat_template"),
    *("preprocessor_config", "processor_config"),
)


def now() -> str:
    """This second in UTC, ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def text_sha256(text: str) -> str:
    """Of a text's UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(folder: Path) -> str:
    """Tells one set of weights from another without reading gigabytes.

    SHA-256 over names and sizes of a folder's JSON and weight files, the first and the last MiB of each.

    Raises:
        InputError: one of them cannot be read.
    """
    digest = hashlib.sha256()
    with readable(folder):
        files = sorted(folder.iterdir())
    for path in files:
        if path.suffix not in (".json", ".safetensors", ".bin", ".pt") or not path.name.startswith(_COUNTED):
            continue
        with readable(path), path.open("rb") as file:
            size = path.stat().st_size
            digest.update(f"{path.name}\0{size}\n".encode())
            digest.update(file.read(_SAMPLED))
            file.seek(max(0, size - _SAMPLED))
            digest.update(file.read(_SAMPLED))
    return digest.hexdigest()


def package_versions(*names: str) -> dict[str, str]:
    """Installed versions; what is not installed is left out."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
