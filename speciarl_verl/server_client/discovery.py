"""Which server answers, and how that server is held to the six labels.

SGLang ignores vLLM's `structured_outputs` without a word, and an unknown field is a 400 elsewhere, so each gets what it
understands. Facts from SGLang 0.5.23, its gateway, and vLLM 0.24: both give their name as `owned_by` in `/v1/models`;
the gateway may not, but it answers `/model_info` (formerly `/get_model_info`) as its workers do; vLLM answers
`/version`, which alone proves nothing, as others do too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from speciarl_verl.errors import JudgeError
from speciarl_verl.server_client.endpoint import Endpoint
from speciarl_verl.server_client.transport import Patience, ServerRefusalError, Transport

_MODEL_INFO_PATHS = ("/model_info", "/get_model_info")
_MISSING = frozenset({404, 405, 501})


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
    """

    dialect: Dialect
    model: str
    weights: str | None = None


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


async def discover(transport: Transport, endpoint: Endpoint, model: str | None, patience: Patience) -> Service:
    """Ask the server what it is and, where no model is configured, which one it serves first.

    Raises:
        JudgeError: it cannot be reached, refuses, or lists no model while none is configured.
    """
    try:
        cards = await transport.get(f"{endpoint.api}/models", _cards, patience)
    except ServerRefusalError as error:
        if error.status not in _MISSING:
            raise
        cards = ()
    named = model or next((card.model for card in cards), None)
    if named is None:
        raise JudgeError(f"judge server {endpoint.api} lists no model: name it in speciarl.judge.model")
    card = next((card for card in cards if card.model == named), None)
    owners = {card.owner for card in cards}
    for dialect in (Dialect.SGLANG, Dialect.VLLM):
        if dialect.value in owners:
            return Service(dialect, named, card.root if card else None)
    for path in _MODEL_INFO_PATHS:
        weights = await _told(transport, f"{endpoint.root}{path}", "model_path", patience)
        if weights is not None:
            return Service(Dialect.SGLANG, named, weights)
    if not cards and await _told(transport, f"{endpoint.root}/version", "version", patience) is not None:
        return Service(Dialect.VLLM, named)
    return Service(Dialect.OTHER, named, card.root if card else None)


@dataclass(frozen=True)
class _Card:
    model: str
    owner: str | None
    root: str | None


def _cards(body: object) -> tuple[_Card, ...]:
    entries = body.get("data") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a list of models")
    return tuple(
        _Card(str(entry["id"]), entry.get("owned_by"), entry.get("root")) for entry in entries if _is_card(entry)
    )


def _is_card(entry: object) -> bool:
    return isinstance(entry, dict) and "id" in entry


async def _told(transport: Transport, url: str, field: str, patience: Patience) -> str | None:
    """A field of the JSON object at the URL; None for whatever else a living server sends there."""
    once = replace(patience, retry_s=0.0)
    try:
        value = await transport.get(url, lambda body: body.get(field) if isinstance(body, dict) else None, once)
    except JudgeError:
        return None
    return None if value is None else str(value)
