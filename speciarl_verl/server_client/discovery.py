"""Which server answers, what it serves, and how that server is held to a few answers.

SGLang ignores vLLM's `structured_outputs` without a word, and an unknown field is a 400 elsewhere, so each gets what it
understands. Facts from SGLang 0.5.23, its gateway, and vLLM 0.24: both give their name as `owned_by` in `/v1/models`;
the gateway may not, but it answers `/model_info` (formerly `/get_model_info`) as its workers do; vLLM answers
`/version`, which alone proves nothing, as others do too.

Many a server lists nothing: hosted ones want another key for it, gateways a page of their own. Where the model is named
that is no fault, and the server is of no known kind.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from speciarl_verl.server_client.endpoint import Endpoint
from speciarl_verl.server_client.failure import ServerError, ServerFailureError
from speciarl_verl.server_client.transport import Patience, Transport

_MODEL_INFO_PATHS = ("/model_info", "/get_model_info")
_NO_CHAT = re.compile(
    r"embed|rerank|whisper|moderation|transcri|dall-e|(?:^|[/_-])(?:bge|gte|e5|clip|tts|reward)(?:[/_:-]|$)",
    re.IGNORECASE,
)


class Dialect(str, Enum):
    """The kind of server."""

    SGLANG = "sglang"
    VLLM = "vllm"
    OTHER = "other"


@dataclass(frozen=True)
class Service:
    """What was found out about a server.

    Attributes:
        model: the name that is asked for.
        weights: where the server says it has that model from, which the name may hide; None when it does not say.
        listed: the names of all the models that it lists.
    """

    dialect: Dialect
    model: str
    weights: str | None = None
    listed: tuple[str, ...] = field(default=(), repr=False)

    @property
    def lists_model(self) -> bool:
        """False where the model asked for is not among those listed, under its name or as the latest of that name."""
        return not self.listed or bool({self.model, f"{self.model}:latest"} & set(self.listed))


def dialect_fields(dialect: Dialect, choices: Sequence[str]) -> Mapping[str, object]:
    """The fields of a chat request that constrain its answer to one of `choices` and switch thinking off.

    Constant for one server, so that it compiles one grammar a run. `choices` must hold no sign special to a regex.
    """
    direct = {"chat_template_kwargs": {"enable_thinking": False}}
    if dialect is Dialect.SGLANG:
        return {"regex": f"({'|'.join(choices)})", **direct}
    if dialect is Dialect.VLLM:
        return {"structured_outputs": {"choice": list(choices)}, **direct}
    return {}


async def find_service(endpoint: Endpoint, model: str | None, timeout_s: float, proxy: bool = False) -> Service:
    """Ask a server once, over connections of its own; see `discover`."""
    transport = Transport(endpoint, 1, proxy=proxy)
    try:
        return await discover(transport, endpoint, model, Patience(timeout_s, budget_s=timeout_s, retry_s=0.0))
    finally:
        await transport.close()


async def discover(transport: Transport, endpoint: Endpoint, model: str | None, patience: Patience) -> Service:
    """Ask the server what it is and, where no model is named, which one it serves first.

    Raises:
        ServerError: it cannot be reached; or no model is named, and it refuses to list its models, or lists none.
    """
    cards: tuple[_Card, ...] = ()
    try:
        cards = await transport.get("/models", _cards, patience)
    except ServerError as error:
        if isinstance(error, ServerFailureError) and error.unreachable:
            raise
        if model is None:
            raise ServerError(f"{error} Or name the model in {endpoint.names.model}.") from error
    card = next((card for card in cards if card.model == model), None) if model else _first(cards)
    named = model or (card.model if card else None)
    if named is None:
        server, setting = f"{endpoint.names.server} {endpoint.api}", endpoint.names.model
        raise ServerError(f"{server} lists no model: name it in {setting}")
    found = Service(Dialect.OTHER, named, card.root if card else None, tuple(card.model for card in cards))
    owners = {card.owner for card in cards}
    for dialect in (Dialect.SGLANG, Dialect.VLLM):
        if dialect.value in owners:
            return replace(found, dialect=dialect)
    for path in _MODEL_INFO_PATHS:
        weights = await _told(transport, path, "model_path", patience)
        if weights is not None:
            return replace(found, dialect=Dialect.SGLANG, weights=weights)
    if not cards and await _told(transport, "/version", "version", patience) is not None:
        return replace(found, dialect=Dialect.VLLM)
    return found


@dataclass(frozen=True)
class _Card:
    model: str
    owner: str | None
    root: str | None
    chats: bool


def _cards(body: object) -> tuple[_Card, ...]:
    # A bare list is what some hosts send.
    entries = body.get("data") if isinstance(body, dict) else body
    if not isinstance(entries, list):
        raise ValueError("not a list of models")
    return tuple(_card(entry) for entry in entries if isinstance(entry, dict) and "id" in entry)


def _card(entry: Mapping[str, object]) -> _Card:
    model, owner, root = str(entry["id"]), entry.get("owned_by"), entry.get("root")
    kind = str(entry.get("type") or entry.get("task") or "")
    return _Card(
        model,
        owner if isinstance(owner, str) else None,
        root if isinstance(root, str) else None,
        chats=not _NO_CHAT.search(model) and not _NO_CHAT.search(kind),
    )


def _first(cards: Sequence[_Card]) -> _Card | None:
    return next((card for card in cards if card.chats), cards[0] if cards else None)


async def _told(transport: Transport, path: str, name: str, patience: Patience) -> str | None:
    """A field of the JSON object at the server's own path; None for whatever else a living server sends there."""
    once = replace(patience, retry_s=0.0)
    try:
        value = await transport.get(
            path, lambda body: body.get(name) if isinstance(body, dict) else None, once, of_root=True
        )
    except ServerError:
        return None
    return None if value is None else str(value)
