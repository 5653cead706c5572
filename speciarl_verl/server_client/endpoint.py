"""Where the judge's server is, and with which key it is spoken to."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from speciarl_verl.errors import JudgeError


@dataclass(frozen=True)
class Endpoint:
    """One server.

    Attributes:
        api: base URL of the OpenAI-compatible API, such as `http://host:30000/v1`.
        root: base URL of the server's own endpoints, such as `http://host:30000`.
        key: the API key; it stays out of `repr` and of every message.
    """

    api: str
    root: str
    key: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str, api_key_env: str | None = None, api_key_file: str | None = None) -> "Endpoint":
        """Read a configured URL; a bare `http://host:port` has its API under `/v1`.

        Raises:
            JudgeError: the environment variable named `api_key_env`, or the file `api_key_file`, holds no usable key.
        """
        url = url.rstrip("/")
        api = url if urlsplit(url).path else f"{url}/v1"
        return cls(api=api, root=api.removesuffix("/v1"), key=_key(api_key_env, api_key_file))

    def without_key(self, text: str) -> str:
        """The text with the key blanked out, for servers that quote it back."""
        return text.replace(self.key, "***") if self.key else text


def secret_of(setting: str, variable: str | None) -> str | None:
    """The secret in the environment variable that a setting names; None when it names none.

    Raises:
        JudgeError: that variable is not set, or empty.
    """
    if variable is None:
        return None
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise JudgeError(f"speciarl.judge.{setting} names {variable}, but that environment variable is not set")
    return secret


def _key(variable: str | None, file: str | None) -> str | None:
    key = secret_of("api_key_env", variable) if file is None else _key_in(file)
    if key is not None and not (key.isascii() and key.isprintable()):
        place = f"the environment variable {variable}" if file is None else file
        raise JudgeError(f"the key in {place} holds characters that no HTTP header takes")
    return key


def _key_in(file: str) -> str:
    try:
        key = Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise JudgeError(f"speciarl.judge.api_key_file {file}: cannot be read: {reason}") from error
    if not key:
        raise JudgeError(f"speciarl.judge.api_key_file {file}: the file is empty")
    return key
