"""The command `speciarl evaluate`: predict, judge, report."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from speciarl_verl.cli.judge_flags import JudgeSettings, JudgeUrl
from speciarl_verl.cli.refusal import refusing
from speciarl_verl.errors import InputError

if TYPE_CHECKING:
    from speciarl_verl.evaluation.pipeline import Stage
    from speciarl_verl.judge.judge_config import ServerJudgeConfig
    from speciarl_verl.method.answer import AnswerMode

_MODEL, _DRAW, _JUDGE, _REPORT = "Model and data", "Sampling", "Judge", "Report"
_SPEED = "Speed and patience (changes no result)"


def _option(panel: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel=panel, show_default=False, **settings)


def evaluate(
    out: Annotated[
        Path, _option(_MODEL, "--out", metavar="DIR", help="Folder of the run; the same command resumes it.")
    ],
    data: Annotated[
        list[Path] | None,
        _option(_MODEL, "--data", metavar="FILE", help="Parquet of `python -m data_prep`; repeat for several sets."),
    ] = None,
    model: Annotated[
        str | None, _option(_MODEL, "--model", metavar="DIR|ID", help="Folder or hub id, run by vLLM in-process.")
    ] = None,
    adapter: Annotated[
        str | None,
        _option(
            _MODEL,
            "--adapter",
            metavar="DIR|ID",
            help="LoRA over --model: a PEFT folder or hub id, or the checkpoints of a LoRA training or one of them.",
        ),
    ] = None,
    server: Annotated[
        str | None, _option(_MODEL, "--server", metavar="URL", help="OpenAI-compatible server that takes pictures.")
    ] = None,
    served_model: Annotated[
        str | None, _option(_MODEL, "--served-model", metavar="NAME", help="Its model (the first one that it lists).")
    ] = None,
    predictions: Annotated[
        Path | None,
        _option(
            _MODEL,
            "--predictions",
            metavar="FILE",
            help="JSONL of predictions made elsewhere: dataset, image, sample, response.",
        ),
    ] = None,
    allow_missing: Annotated[
        bool, _option(_MODEL, "--allow-missing", help="Count what --predictions lacks as failed, instead of refusing.")
    ] = False,
    limit: Annotated[
        int | None, _option(_MODEL, "--limit", metavar="N", min=1, help="Pictures a data set (all).")
    ] = None,
    stages: Annotated[
        str,
        _option(
            _MODEL,
            "--stages",
            metavar="LIST",
            help="Any of predict,judge,report, with commas (all); each resumes by itself.",
        ),
    ] = "predict,judge,report",
    prompt: Annotated[
        str | None, _option(_DRAW, "--prompt", metavar="NAME|FILE", help="Name, or a .txt file (train).")
    ] = None,
    samples: Annotated[
        int | None, _option(_DRAW, "--samples", metavar="N", min=1, help="Responses a picture (1).")
    ] = None,
    temperature: Annotated[
        float | None, _option(_DRAW, "--temperature", metavar="T", min=0, help="0 is greedy (0).")
    ] = None,
    top_p: Annotated[
        float | None, _option(_DRAW, "--top-p", metavar="P", min=0, max=1, help="Of sampling (1).")
    ] = None,
    max_tokens: Annotated[
        int | None, _option(_DRAW, "--max-tokens", metavar="N", min=1, help="Of a response (2048).")
    ] = None,
    min_pixels: Annotated[
        str | None, _option(_DRAW, "--min-pixels", metavar="N|none", help="Of a picture (as in training).")
    ] = None,
    max_pixels: Annotated[
        str | None,
        _option(_DRAW, "--max-pixels", metavar="N|none", help="Of a picture (as in training; the authors': none)."),
    ] = None,
    patch_size: Annotated[
        int | None,
        _option(_DRAW, "--patch-size", metavar="N", min=1, help="Of the model behind --server (14; Qwen3-VL: 16)."),
    ] = None,
    seed: Annotated[
        int | None, _option(_DRAW, "--seed", metavar="N", min=0, help="Of sampling, --limit, bootstrap (0).")
    ] = None,
    engine_arg: Annotated[
        list[str] | None,
        _option(
            _DRAW,
            "--engine-arg",
            metavar="KEY=VALUE",
            help="Of vllm.LLM (max_model_len=8192), or of the requests to --server (null: not sent); repeat.",
        ),
    ] = None,
    judge: Annotated[
        str | None,
        _option(
            _JUDGE,
            "--judge",
            metavar="KIND",
            help="taxonomy, server, custom; best another than the training's.",
        ),
    ] = None,
    judge_url: JudgeUrl = None,
    judge_set: JudgeSettings = None,
    max_words: Annotated[
        int | None,
        _option(_JUDGE, "--max-words", metavar="N", min=1, help="A longer answer is wrong, as in training (12)."),
    ] = None,
    answer: Annotated[
        str | None,
        _option(
            _JUDGE,
            "--answer",
            metavar="MODE",
            help="strict, or paper: the first <answer> anywhere, no rule on its form, as the authors do (strict).",
        ),
    ] = None,
    training_judge: Annotated[
        str | None,
        _option(
            _REPORT, "--training-judge", metavar="NAME", help="Judge model of the training: the same one is flagged."
        ),
    ] = None,
    conti: Annotated[bool, _option(_REPORT, "--conti", help="Add TI, LI, SS and CS of Conti et al.")] = False,
    encoder: Annotated[
        str | None,
        _option(_REPORT, "--encoder", metavar="DIR|ID", help="Their Sentence-BERT, folder or id (all-MiniLM-L6-v2)."),
    ] = None,
    spacy: Annotated[
        str | None, _option(_REPORT, "--spacy", metavar="NAME", help="Their spaCy pipeline (en_core_web_lg).")
    ] = None,
    inclusion_url: Annotated[
        str | None, _option(_REPORT, "--inclusion-url", metavar="URL", help="Server of the LLM of LI (LI is off).")
    ] = None,
    inclusion_model: Annotated[
        str | None,
        _option(_REPORT, "--inclusion-model", metavar="NAME", help="Its model (the first one that it lists)."),
    ] = None,
    browser_pictures: Annotated[
        int,
        _option(_REPORT, "--browser-pictures", metavar="N", min=0, help="Of browser.html; 0 writes none (3000)."),
    ] = 3000,
    compare: Annotated[
        list[Path] | None,
        _option(_REPORT, "--compare", metavar="RUN", help="Other runs to put beside this one; repeat for several."),
    ] = None,
    data_parallel: Annotated[
        int, _option(_SPEED, "--data-parallel", metavar="N", min=1, help="vLLM engines, one a GPU (1).")
    ] = 1,
    concurrency: Annotated[
        int, _option(_SPEED, "--concurrency", metavar="N", min=1, help="Requests in flight to --server (32).")
    ] = 32,
    timeout: Annotated[
        float, _option(_SPEED, "--timeout", metavar="S", min=0.1, help="Seconds for one request to --server (300).")
    ] = 300.0,
    retry_for: Annotated[
        float,
        _option(_SPEED, "--retry-for", metavar="S", min=0.1, help="Seconds after which a failing request fails (120)."),
    ] = 120.0,
    api_key_env: Annotated[
        str | None,
        _option(_SPEED, "--api-key-env", metavar="NAME", help="Environment variable with the key of --server."),
    ] = None,
    api_key_file: Annotated[
        Path | None, _option(_SPEED, "--api-key-file", metavar="FILE", help="Or a file with it.")
    ] = None,
    proxy: Annotated[
        bool, _option(_SPEED, "--proxy", help="Reach --server through the proxy of HTTP_PROXY or HTTPS_PROXY.")
    ] = False,
    retry_failed: Annotated[
        bool, _option(_SPEED, "--retry-failed", help="Predict the samples again that failed before.")
    ] = False,
) -> None:
    """Evaluate a model: predict pictures, judge the answers, report the paper's metrics.

    Everything of a run is in --out: run.json, predictions.jsonl, judge.json, verdicts.jsonl, report.json, .md and .tex,
    plots/ and browser.html. A killed command, repeated, goes on where it was and ends with the same report. A later
    command needs only the flags of its stage: `speciarl evaluate --out RUN --stages report`. Other settings than the
    run's are refused.

    A sample that fails for good, or has no parseable answer, counts as wrong and is reported apart. What is wrong with
    the input is one line, exit status 2.
    """
    from speciarl_verl.cli.judge_settings import judge_config
    from speciarl_verl.evaluation.pipeline import Command, run_command
    from speciarl_verl.evaluation.predict.request import PredictRequest
    from speciarl_verl.evaluation.predict.server_engine import ServerSettings
    from speciarl_verl.evaluation.predict.stage import Resources
    from speciarl_verl.evaluation.report.stage import ContiRequest

    logging.basicConfig(level=logging.WARNING, format="speciarl: %(message)s")
    with refusing():
        sampling = {"samples": samples, "temperature": temperature, "top_p": top_p, "max_tokens": max_tokens}
        pixels = {"min_pixels": _pixels("--min-pixels", min_pixels), "max_pixels": _pixels("--max-pixels", max_pixels)}
        rest = {"patch_size": patch_size, "seed": seed, "limit": limit, "engine_args": _engine_args(engine_arg)}
        inclusion = _inclusion_judge(inclusion_url, inclusion_model)
        key_file = str(api_key_file) if api_key_file else None
        command = Command(
            folder=out,
            stages=_stages(stages),
            request=PredictRequest(
                data=[str(file) for file in data or ()],
                model=model,
                adapter=adapter,
                server=server,
                served_model=served_model,
                predictions=str(predictions) if predictions else None,
                prompt=prompt,
                training_judge=training_judge,
                overrides=sampling | pixels | rest,
            ),
            resources=Resources(
                data_parallel, ServerSettings("", None, timeout, retry_for, concurrency, api_key_env, key_file, proxy)
            ),
            judge=judge_config(judge, judge_url, judge_set) if judge else None,
            max_words=max_words,
            answer_mode=_answer_mode(answer),
            conti=ContiRequest(encoder, spacy, inclusion) if conti else None,
            browser_pictures=browser_pictures,
            compare=compare or (),
            retry_failed=retry_failed,
            allow_missing=allow_missing,
        )
        for line in run_command(command):
            typer.echo(line)


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs.")],
    out: Annotated[Path, typer.Option(help="Folder that is written.")],
) -> None:
    """Put finished runs side by side, with paired tests on the pictures that they share and the published rows."""
    from speciarl_verl.evaluation.report.folders import compare_folders

    logging.basicConfig(level=logging.WARNING, format="speciarl: %(message)s")
    with refusing():
        for line in compare_folders(runs, out):
            typer.echo(line)


def _stages(text: str) -> "list[Stage]":
    from speciarl_verl.evaluation.pipeline import Stage

    names = [name.strip() for name in text.split(",")]
    known = [stage.value for stage in Stage]
    for name in names:
        if name not in known:
            raise InputError(f"--stages {text}: {name!r} is none of {', '.join(known)}")
    return [stage for stage in Stage if stage.value in names]


def _pixels(flag: str, text: str | None) -> int | None:
    if text is None or text == "none":
        return None if text is None else 0
    if not text.isdecimal() or int(text) == 0:
        raise InputError(f"{flag} {text}: takes a number of pixels, or none for no limit")
    return int(text)


def _engine_args(settings: list[str] | None) -> dict[str, Any] | None:
    if not settings:
        return None
    import yaml

    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.isidentifier():
            raise InputError(f"--engine-arg {setting}: takes KEY=VALUE, such as max_model_len=8192")
        try:
            values[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise InputError(f"--engine-arg {key}=: the value is not valid YAML; put quotes around it") from None
    return values


def _inclusion_judge(url: str | None, model: str | None) -> "ServerJudgeConfig | None":
    from speciarl_verl.evaluation.conti.inclusion import inclusion_config

    return inclusion_config(url, model) if url else None


def _answer_mode(answer: str | None) -> "AnswerMode | None":
    if answer not in (None, "strict", "paper"):
        raise InputError(f"--answer {answer}: choose strict or paper")
    return cast("AnswerMode | None", answer)
