"""Where a model server is, with which key it is spoken to, and what its user calls the settings of both."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from speciarl_verl.errors import InputError
from speciarl_verl.files import read_text
from speciarl_verl.server_client.failure import ServerError

_SECRETS = ("key", "token", "secret", "password", "passwd", "auth", "sig", "code", "credential")
_CHAT = "/chat/completions"


@dataclass(frozen=True)
class SettingNames:
    """What the settings are called where this client is used, for messages that name a cure.

    Attributes:
        server: how messages call the server, such as `judge server`.
        body: what changes the fields of a request.
    """

    server: str
    url: str
    model: str
    api_key_env: str
    api_key_file: str
    body: str


@dataclass(frozen=True)
class Endpoint:
    """One server.

    Attributes:
        api: base URL of the OpenAI-compatible API, such as `http://host:30000/v1`.
        root: base URL of the server's own endpoints, such as `http://host:30000`.
        query: what stands behind the `?` of each request, such as Azure's `api-version=2024-10-21`.
        key: the API key; it stays out of `repr` and of every message.
    """

    api: str
    root: str
    names: SettingNames = field(repr=False)
    query: str = ""
    key: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(
        cls, url: str, names: SettingNames, api_key_env: str | None = None, api_key_file: str | None = None
    ) -> "Endpoint":
        """Read a configured URL; a bare `http://host:port` has its API under `/v1`.

        Raises:
            ServerError: the URL cannot be used; or the environment variable named `api_key_env`, or the file
                `api_key_file`, holds no usable key.
        """
        try:
            parts = urlsplit(checked_url(url))
        except ValueError as error:
            raise ServerError(f"{names.url}: {error}") from None
        path = parts.path.rstrip("/").removesuffix(_CHAT)
        api = f"{parts.scheme}://{parts.netloc}{path or '/v1'}"
        key = _key(names, api_key_env, api_key_file)
        return cls(api=api, root=api.removesuffix("/v1"), names=names, query=parts.query, key=key)

    def url(self, path: str, of_root: bool = False) -> str:
        """The whole URL of a path below the API, or below the server's root."""
        return f"{self.root if of_root else self.api}{path}{f'?{self.query}' if self.query else ''}"

    @property
    def headers(self) -> dict[str, str]:
        """How the key is sent; Azure, which is known by its `api-version`, has a header of its own."""
        if self.key is None:
            return {}
        return {"api-key": self.key} if "api-version=" in self.query else {"Authorization": f"Bearer {self.key}"}

    def without_key(self, text: str) -> str:
        """The text with the key blanked out, for servers that quote it back."""
        return text.replace(self.key, "***") if self.key else text


def checked_url(url: str) -> str:
    """A plain http(s) address, white space around it taken off.

    Raises:
        ValueError: it is none, or carries a secret, which would end up in files and messages. It quotes nothing.
    """
    url = url.strip()
    parts = urlsplit(url)
    # Reading a port that is no number raises ValueError by itself.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("it must look like http://host:port")
    if any(sign.isspace() or not sign.isprintable() for sign in url):
        raise ValueError("it must look like http://host:port, and holds white space")
    named = [name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if "@" in parts.netloc or parts.fragment or any(secret in name for name in named for secret in _SECRETS):
        raise ValueError("it must carry no credentials: name the key by its environment variable")
    return url


def secret_of(setting: str, variable: str | None) -> str | None:
    """The secret in the environment variable that a setting names; None when it names none.

    Raises:
        ServerError: that variable is not set, or empty.
    """
    if variable is None:
        return None
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise ServerError(f"{setting} names {variable}, but that environment variable is not set")
    return secret


def _key(names: SettingNames, variable: str | None, file: str | None) -> str | None:
    key = secret_of(names.api_key_env, variable) if file is None else _key_in(file, names)
    if key is not None:
        # As it is copied out of a curl command, or out of an env file that is read with its quotes.
        key = key.strip("\"'").removeprefix("Bearer ").strip()
    if key is not None and not (key.isascii() and key.isprintable()):
        place = f"the environment variable {variable}" if file is None else file
        raise ServerError(f"the key in {place} holds characters that no HTTP header takes")
    return key


def _key_in(file: str, names: SettingNames) -> str:
    try:
        key = read_text(Path(file).expanduser()).strip()
    except InputError as error:
        raise ServerError(f"{names.api_key_file} {error}") from None
    if not key:
        raise ServerError(f"{names.api_key_file} {file}: the file is empty")
    return key
