"""Predicting with any OpenAI-compatible server that takes pictures: SGLang, vLLM, hosted ones.

The picture is brought to the pixel budget here and travels as a PNG, so the server's processor finds it as training's
would. SGLang and vLLM would otherwise apply the model's own generation defaults (a repetition penalty, top-k) and may
sample picture placeholders: both are told not to, as in training. Other servers get OpenAI's fields only.
"""

import asyncio
import base64
import io
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.pictures import PictureError, PictureFiles, PictureRow, open_picture
from speciarl_verl.evaluation.predict.engine import PictureResponses, Response, one_line, picture_seed
from speciarl_verl.evaluation.run import PredictSettings
from speciarl_verl.server_client.discovery import Dialect, Service, find_service
from speciarl_verl.server_client.endpoint import Endpoint, SettingNames
from speciarl_verl.server_client.failure import (
    ServerError,
    ServerFailureError,
    ServerRefusalError,
    UnusableAnswerError,
)
from speciarl_verl.server_client.message import read_message
from speciarl_verl.server_client.transport import Patience, Transport

PLACEHOLDERS = ("<|image_pad|>", "<|video_pad|>")
"""Of the Qwen family; elsewhere they are words that nobody writes."""


SERVER_FLAGS = SettingNames(
    server="server",
    url="--server",
    model="--served-model",
    api_key_env="--api-key-env",
    api_key_file="--api-key-file",
    body="--engine-arg",
)
_QUESTION = frozenset({"model", "messages", "n", "stream"})
_SAMPLING = frozenset({"temperature", "top_p", "seed"})


@dataclass(frozen=True)
class ServerSettings:
    """Where the server is and how long it may take.

    Attributes:
        url: `http://host:port`, or the base URL of the API where it does not live under `/v1`.
        model: the first one that the server lists when None.
        timeout_s: seconds for one request.
        budget_s: seconds after which a failing request is not tried again.
        concurrency: requests in flight.
        api_key_env: the NAME of the environment variable that holds the key.
        api_key_file: or the path of a file that holds it.
        proxy: go through the proxy that the environment names.
        body: further fields of each request, in place of ours of that name; None leaves ours out.
    """

    url: str
    model: str | None = None
    timeout_s: float = 300.0
    budget_s: float = 600.0
    concurrency: int = 32
    api_key_env: str | None = None
    api_key_file: str | None = None
    proxy: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)

    def endpoint(self) -> Endpoint:
        """Where the server is, with its key.

        Raises:
            EvaluationError: the address or the key cannot be used.
        """
        try:
            return Endpoint.from_url(self.url, SERVER_FLAGS, self.api_key_env, self.api_key_file)
        except ServerError as error:
            raise EvaluationError(str(error)) from error

    def check_body(self) -> None:
        """The further fields leave alone what the run's own flags say.

        Raises:
            EvaluationError: one does not.
        """
        for name, value in self.body.items():
            if name in _QUESTION or (name in _SAMPLING and value is not None):
                raise EvaluationError(f"--engine-arg {name}=: it cannot be set here: the run's own flags say it")


def served_model(settings: ServerSettings) -> str:
    """The model that is served: the one that is named, or the first one that the server lists.

    Raises:
        EvaluationError: the server cannot be reached, or lists none, or others than the one named.
    """
    return asyncio.run(_find(settings)).model


async def _find(settings: ServerSettings) -> Service:
    endpoint = settings.endpoint()
    try:
        service = await find_service(endpoint, settings.model, settings.timeout_s, settings.proxy)
    except ServerError as error:
        raise EvaluationError(f"{error} Is it started and ready?") from error
    if not service.lists_model:
        raise EvaluationError(
            f"server {endpoint.api} does not serve {service.model!r}: --served-model is one of "
            f"{', '.join(service.listed)}"
        )
    return service


class ServerEngine:
    """Asks the server; one request a picture, `concurrency` at a time."""

    def __init__(self, settings: ServerSettings, run: PredictSettings, prompt: str) -> None:
        """Find out what is served.

        Raises:
            EvaluationError: the server cannot be reached, refuses, or does not serve the model.
        """
        settings.check_body()
        self._settings = settings
        self._run = run
        self._prompt = prompt
        self._files = PictureFiles()
        service = asyncio.run(_find(settings))
        # The engine is a generator for its caller; its loop runs while an answer is awaited.
        self._loop = asyncio.new_event_loop()
        self._transport = Transport(settings.endpoint(), settings.concurrency, proxy=settings.proxy)
        self.model, self.kind = service.model, service.dialect
        longest_s = settings.budget_s + settings.timeout_s
        self._patience = Patience(settings.timeout_s, longest_s, retry_s=settings.budget_s)

    def close(self) -> None:
        """Close the connections."""
        self._loop.run_until_complete(self._transport.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def answers(self, pictures: Sequence[PictureRow]) -> Generator[PictureResponses, None, None]:
        """See `Engine.answers`."""
        waiting = iter(pictures)
        flying: set[asyncio.Task[PictureResponses]] = set()
        done: set[asyncio.Task[PictureResponses]] = set()
        try:
            while True:
                while len(flying) < self._settings.concurrency and (picture := next(waiting, None)) is not None:
                    flying.add(self._loop.create_task(self._answer(picture)))
                if not flying:
                    return
                done, flying = self._loop.run_until_complete(asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED))
                for task in done:
                    yield task.result()
        finally:
            for task in flying:
                task.cancel()
            self._loop.run_until_complete(_settled(done | flying))

    async def _answer(self, picture: PictureRow) -> PictureResponses:
        try:
            url = await asyncio.to_thread(self._data_url, self._files.read(picture))
        except PictureError as error:
            return PictureResponses(picture, failure=str(error), fault_of_picture=True)
        try:
            return PictureResponses(picture, responses=await self._responses(picture, url))
        except ServerError as error:
            if isinstance(error, ServerFailureError) and error.unreachable:
                raise EvaluationError(f"{error} Start it again and repeat the command to resume") from error
            if _concerns_this_picture(error):
                return PictureResponses(picture, failure=one_line(error).rstrip("."))
            raise EvaluationError(str(error)) from error

    async def _responses(self, picture: PictureRow, url: str) -> tuple[Response, ...]:
        image = {"type": "image_url", "image_url": {"url": url}}
        content: list[dict[str, Any]] = [image, {"type": "text", "text": self._prompt}]
        responses: list[Response] = []
        while (missing := self._run.samples - len(responses)) > 0:
            # Some servers give one choice whatever they were asked for: the rest is asked for again.
            seed = picture_seed(self._run.seed, picture) + len(responses)
            body = self._body(content, missing, seed)
            responses += await self._transport.chat(body, partial(_read, expected=missing), self._patience)
        return tuple(responses)

    def _body(self, content: list[dict[str, Any]], samples: int, seed: int) -> Mapping[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": self._run.max_tokens,
            "temperature": self._run.temperature,
        }
        if samples > 1:
            body["n"] = samples
        if self._run.temperature > 0:
            body |= {"top_p": self._run.top_p, "seed": seed}
        if self.kind is not Dialect.OTHER:
            body |= {"repetition_penalty": 1.0, "top_k": -1, "min_p": 0.0}
        if self.kind is Dialect.VLLM:
            body["bad_words"] = list(PLACEHOLDERS)
        body |= self._settings.body
        return {name: value for name, value in body.items() if value is not None}

    def _data_url(self, data: bytes) -> str:
        png = io.BytesIO()
        # Lossless; with little effort, as it travels once.
        run = self._run
        open_picture(data, run.patch_size, run.min_pixels, run.max_pixels).save(png, "PNG", compress_level=1)
        return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"


async def _settled(tasks: set["asyncio.Task[PictureResponses]"]) -> None:
    # Of several tasks that find the server gone, one is heard; asyncio would log the others.
    await asyncio.gather(*tasks, return_exceptions=True)


def _concerns_this_picture(error: ServerError) -> bool:
    if isinstance(error, ServerRefusalError):
        return error.of_the_request
    return isinstance(error, ServerFailureError | UnusableAnswerError)


def _read(body: object, expected: int) -> list[Response]:
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(choices, list) or not choices:
        raise ValueError("no choices")
    choices = choices[:expected]
    usage = body.get("usage")
    # Usage is the sum over choices: it tells the length of a single one only.
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) and len(choices) == 1 else None
    return [Response(_text(choice), tokens if isinstance(tokens, int) else None) for choice in choices]


def _text(choice: object) -> str:
    try:
        message = read_message(choice)
    except ValueError as error:
        raise UnusableAnswerError(str(error)) from None
    if message.is_withheld:
        raise UnusableAnswerError(f"an answer with {message.lack()}")
    if message.is_interrupted:
        raise ValueError(f"an answer that was broken off (finish_reason {message.ending})")
    text = message.text or ""
    if message.thought and "</think>" not in text:
        # The server split the response in two; put back what the model wrote.
        return f"<think>{message.thought}</think>{text}"
    return text
