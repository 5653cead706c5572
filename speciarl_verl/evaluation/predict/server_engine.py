"""Predicting with any OpenAI-compatible server that takes pictures: SGLang, vLLM, hosted ones.

The picture is brought to the pixel budget here and travels as a PNG, so the server's processor finds it as training's
would. SGLang and vLLM would otherwise apply the model's own generation defaults (a repetition penalty, top-k) and may
sample picture placeholders: both are told not to, as in training. Other servers get OpenAI's fields only.
"""

import asyncio
import base64
import io
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.pictures import Picture, PictureError, PictureFiles, PixelBudget, open_picture
from speciarl_verl.evaluation.predict.engine import Answer, Response, Sampling, picture_seed
from speciarl_verl.evaluation.predict.server_api import RequestRefusedError, ServerApi, ServerSettings
from speciarl_verl.server_client.discovery import Dialect

PLACEHOLDERS = ("<|image_pad|>", "<|video_pad|>")
"""Of the Qwen family; elsewhere they are words that nobody writes."""


class ServerEngine:
    """Asks the server; one request a picture, `concurrency` at a time."""

    def __init__(
        self, settings: ServerSettings, sampling: Sampling, prompt: str, budget: PixelBudget, patch_size: int
    ) -> None:
        """Find out what is served.

        Args:
            patch_size: see `open_picture`.

        Raises:
            EvaluationError: the server cannot be reached, refuses, or does not serve the model.
        """
        self._settings = settings
        self._sampling = sampling
        self._prompt = prompt
        self._budget = budget
        self._patch_size = patch_size
        self._files = PictureFiles()
        # The engine is a generator for its caller; its loop runs while an answer is awaited.
        self._loop = asyncio.new_event_loop()
        self._api = ServerApi(settings)
        try:
            cards = self._loop.run_until_complete(self._api.models())
            self.model = _served(cards, settings)
        except EvaluationError:
            self.close()
            raise
        self.kind = _kind(cards)

    def close(self) -> None:
        """Close the connections."""
        self._loop.run_until_complete(self._api.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def answers(self, pictures: Sequence[Picture]) -> Generator[Answer, None, None]:
        """See `Engine.answers`."""
        waiting = iter(pictures)
        flying: set[asyncio.Task[Answer]] = set()
        done: set[asyncio.Task[Answer]] = set()
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

    async def _answer(self, picture: Picture) -> Answer:
        try:
            url = await asyncio.to_thread(self._data_url, self._files.read(picture))
        except PictureError as error:
            return Answer(picture, failure=str(error), fault_of_picture=True)
        try:
            return Answer(picture, responses=await self._responses(picture, url))
        except RequestRefusedError as error:
            return Answer(picture, failure=str(error))

    async def _responses(self, picture: Picture, url: str) -> tuple[Response, ...]:
        image = {"type": "image_url", "image_url": {"url": url}}
        content: list[dict[str, Any]] = [image, {"type": "text", "text": self._prompt}]
        responses: list[Response] = []
        while (missing := self._sampling.samples - len(responses)) > 0:
            # Some servers give one choice whatever they were asked for: the rest is asked for again.
            seed = picture_seed(self._sampling.seed, picture) + len(responses)
            responses += _read(await self._api.chat(self._body(content, missing, seed)), missing)
        return tuple(responses)

    def _body(self, content: list[dict[str, Any]], samples: int, seed: int) -> Mapping[str, Any]:
        sampling = self._sampling
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
        }
        if samples > 1:
            body["n"] = samples
        if sampling.temperature > 0:
            body |= {"top_p": sampling.top_p, "seed": seed}
        if self.kind is not Dialect.OTHER:
            body |= {"repetition_penalty": 1.0, "top_k": -1, "min_p": 0.0}
        if self.kind is Dialect.VLLM:
            body["bad_words"] = list(PLACEHOLDERS)
        return body

    def _data_url(self, data: bytes) -> str:
        png = io.BytesIO()
        # Lossless; with little effort, as it travels once.
        open_picture(data, self._budget, self._patch_size).save(png, "PNG", compress_level=1)
        return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"


async def _settled(tasks: set["asyncio.Task[Answer]"]) -> None:
    # Of several tasks that find the server gone, one is heard; asyncio would log the others.
    await asyncio.gather(*tasks, return_exceptions=True)


def _read(body: Mapping[str, Any], expected: int) -> list[Response]:
    choices = body["choices"][:expected]
    usage = body.get("usage")
    # Usage is the sum over choices: it tells the length of a single one only.
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) and len(choices) == 1 else None
    return [Response(_text(choice), tokens if isinstance(tokens, int) else None) for choice in choices]


def _text(choice: Any) -> str:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise RequestRefusedError("a choice without a message")
    text = message.get("content") or ""
    thought = message.get("reasoning_content") or message.get("reasoning")
    if thought and "</think>" not in text:
        # A reasoning parser of the server's split the response in two; put back what the model wrote.
        return f"<think>{thought}</think>{text}"
    return str(text)


def _served(cards: Sequence[Mapping[str, Any]], settings: ServerSettings) -> str:
    names = [str(card["id"]) for card in cards]
    if settings.model is None:
        if not names:
            raise EvaluationError(f"server {settings.api} lists no model: name it in --served-model")
        return names[0]
    if names and settings.model not in names:
        raise EvaluationError(
            f"server {settings.api} does not serve {settings.model!r}: --served-model is one of {', '.join(names)}"
        )
    return settings.model


def _kind(cards: Sequence[Mapping[str, Any]]) -> Dialect:
    owners = {str(card.get("owned_by")) for card in cards}
    return next((kind for kind in Dialect if kind.value in owners), Dialect.OTHER)
