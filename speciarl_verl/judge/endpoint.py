"""Where the judge's server is, and with which key it is spoken to."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from speciarl_verl.judge.protocol import JudgeError


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
    def from_url(cls, url: str, api_key_env: str | None = None) -> "Endpoint":
        """Read a configured URL; a bare `http://host:port` has its API under `/v1`.

        Raises:
            JudgeError: the environment variable named `api_key_env` holds no usable key.
        """
        url = url.rstrip("/")
        api = url if urlsplit(url).path else f"{url}/v1"
        return cls(api=api, root=api.removesuffix("/v1"), key=_key(api_key_env))

    def without_key(self, text: str) -> str:
        """The text with the key blanked out, for servers that quote it back."""
        return text.replace(self.key, "***") if self.key else text


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise JudgeError(f"speciarl.judge.api_key_env names {variable}, but that environment variable is not set")
    if not key.isascii() or not key.isprintable():
        raise JudgeError(f"the key in the environment variable {variable} holds characters that no HTTP header takes")
    return key
