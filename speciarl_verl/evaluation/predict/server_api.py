"""The HTTP side of predicting with a server: an OpenAI-compatible chat endpoint that takes pictures.

Retried with growing random waits within a budget: timeouts, broken connections, 408, 429, 5xx and useless bodies. Other
statuses are final: 401, 403, 404 and their like say that nobody will be answered, 400, 413 and 422 concern one request.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.predict.engine import one_line
from speciarl_verl.server_client.retry import TransientError, of_failure, of_response, wait

_CONNECT_S = 5.0
_QUOTED = 300
_OF_THE_REQUEST = frozenset({400, 413, 422})


@dataclass(frozen=True)
class ServerSettings:
    """Where the server is and how long it may take.

    Attributes:
        url: `http://host:port`, or the base URL of the API where it does not live under `/v1`.
        model: the first one that the server lists when None.
        timeout_s: seconds for one request.
        budget_s: seconds for one picture, its retries and their waits included.
        concurrency: requests in flight.
        api_key_env: the NAME of the environment variable that holds the key.
        api_key_file: or the path of a file that holds it.
    """

    url: str
    model: str | None = None
    timeout_s: float = 300.0
    budget_s: float = 600.0
    concurrency: int = 32
    api_key_env: str | None = None
    api_key_file: str | None = None

    @property
    def api(self) -> str:
        """Base URL of the API."""
        url = self.url.rstrip("/")
        return url if urlsplit(url).path else f"{url}/v1"


class RequestRefusedError(Exception):
    """The server does not take this request; another one may fare better."""


class ServerApi:
    """A client of one server, on one event loop."""

    def __init__(self, settings: ServerSettings) -> None:
        """Read the key.

        Raises:
            EvaluationError: the address or the key cannot be used.
        """
        check_url(settings.url)
        self.settings = settings
        self._key = read_key(settings)
        self._client = httpx.AsyncClient(
            # `asyncio.wait_for` bounds the whole: httpx's own read timeout restarts with every byte.
            timeout=httpx.Timeout(None, connect=_CONNECT_S),
            limits=httpx.Limits(max_connections=settings.concurrency),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else None,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def models(self) -> list[Mapping[str, Any]]:
        """The server's model cards; a server that is not there is reported after one attempt.

        Raises:
            EvaluationError: it cannot be reached or refuses.
        """
        try:
            body = await self._attempt("GET", "/models", None)
        except (TransientError, RequestRefusedError) as error:
            raise EvaluationError(f"server {self.settings.api}: {error}. Is it started and ready?") from error
        cards = body.get("data") if isinstance(body, dict) else None
        return [card for card in cards if isinstance(card, dict) and "id" in card] if isinstance(cards, list) else []

    async def chat(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """One chat completion, retried within the budget.

        Raises:
            RequestRefusedError: it was refused, or kept failing; the message says how.
            EvaluationError: the server cannot be reached any more, or refuses everybody.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=wait,
            stop=stop_after_delay(self.settings.budget_s),
            reraise=True,
        )
        try:
            return await retrying(self._chat_once, body)
        except TransientError as error:
            spent = f"after {retrying.statistics['attempt_number']} attempts"
            if error.unreachable:
                raise EvaluationError(
                    f"server {self.settings.api}: {error} {spent}; start it again and repeat the command to resume"
                ) from error
            raise RequestRefusedError(f"{error} {spent}") from error

    async def _chat_once(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await self._attempt("POST", "/chat/completions", body)
        if not isinstance(answer, dict) or not isinstance(answer.get("choices"), list) or not answer["choices"]:
            said = answer.get("error") if isinstance(answer, dict) else None
            raise TransientError(f"HTTP 200 without choices{f': {said}' if said else ''}"[:_QUOTED])
        return answer

    async def _attempt(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            sent = self._client.request(method, f"{self.settings.api}{path}", json=body)
            response = await asyncio.wait_for(sent, self.settings.timeout_s)
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise EvaluationError(f"server {self.settings.api}: the request cannot be sent: {error}") from error
        except (httpx.RequestError, asyncio.TimeoutError) as error:
            raise of_failure(error, self.settings.timeout_s) from error
        if response.is_success:
            return _json(response)
        raise self._refusal(response)

    def _refusal(self, response: httpx.Response) -> Exception:
        said = response.text.replace(self._key, "***") if self._key else response.text
        fault = f"HTTP {response.status_code} {response.reason_phrase}: {' '.join(said.split())[:_QUOTED]}".rstrip(": ")
        if response.status_code in _OF_THE_REQUEST:
            return RequestRefusedError(fault)
        transient = of_response(response, fault)
        if transient is not None:
            return transient
        return EvaluationError(f"server {self.settings.api}: {fault}. {_cure(response.status_code)}")


async def served_models(settings: ServerSettings) -> list[str]:
    """The names that a server lists.

    Raises:
        EvaluationError: it cannot be reached or refuses.
    """
    api = ServerApi(settings)
    try:
        return [str(card["id"]) for card in await api.models()]
    finally:
        await api.close()


def check_url(url: str) -> None:
    """A plain http(s) address.

    Raises:
        EvaluationError: it is none, or carries credentials, which would end up in files and messages.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EvaluationError("--server must look like http://host:port")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise EvaluationError("--server must carry no credentials and no query: name the key by --api-key-env")


def read_key(settings: ServerSettings) -> str | None:
    """The API key, if one is named.

    Raises:
        EvaluationError: the variable or the file holds none.
    """
    if settings.api_key_env is not None:
        key, place = os.environ.get(settings.api_key_env, ""), f"the environment variable {settings.api_key_env}"
    elif settings.api_key_file is not None:
        place = settings.api_key_file
        try:
            key = Path(settings.api_key_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise EvaluationError(f"--api-key-file {place}: cannot be read: {one_line(error)}") from None
    else:
        return None
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise EvaluationError(f"{place} holds no usable key")
    return key


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise TransientError(f"HTTP {response.status_code} with a body that is no JSON") from error


def _cure(status: int) -> str:
    if status in (401, 403):
        return "Name the environment variable that holds the key in --api-key-env."
    if status == 404:
        return "Check --server (the API's base, often ending in /v1) and --served-model."
    return "Check --server and --served-model."
