"""`speciarl judge`: one pair, a table of pairs, or a judge against the gold set."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speciarl_verl.cli.judge_flags import JudgeName, JudgeSettings, JudgeUrl
from speciarl_verl.cli.pair_table import Columns, TableFormat, read_rows, write_rows
from speciarl_verl.cli.plain_group import PlainGroup
from speciarl_verl.cli.refusal import refusing
from speciarl_verl.errors import InputError
from speciarl_verl.files import decode, delimiter_of, read_text, whole_file, write_text
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Pair, Verdict
from speciarl_verl.method.category import Category

# What a command needs besides is imported when it runs: --help answers at once.
if TYPE_CHECKING:
    from speciarl_verl.judge.calibration.gold import GoldPair
    from speciarl_verl.judge.judge_config import JudgeConfig
    from speciarl_verl.judge.llm.rubric import Rubric

app = typer.Typer(cls=PlainGroup, no_args_is_help=True, help="Judge predictions, and measure a judge.")

_STDIN = "-"


@app.command("pair")
def judge_pair(
    prediction: Annotated[str, typer.Option(help="What the model answered.")],
    ground_truth: Annotated[str, typer.Option(help="The label of the picture.")],
    judge: JudgeName = "taxonomy",
    judge_url: JudgeUrl = None,
    judge_set: JudgeSettings = None,
) -> None:
    """Judge one pair."""
    with refusing():
        if not ground_truth.strip():
            raise InputError("--ground-truth is empty; every pair needs its label")
        config = _judge_config(judge, judge_url, judge_set)
        (verdict,) = _judge(config, [Pair(prediction, ground_truth)], Ledger())
    details = [verdict.source.value]
    if verdict.confidence is not None:
        details.append(f"confidence {verdict.confidence:.3f}")
    if verdict.agreement is not None:
        details.append(f"agreement {verdict.agreement:.3f}")
    typer.echo(f"{verdict.category.symbol} {verdict.category.label} ({', '.join(details)})")


@app.command("file")
def judge_file(
    table: Annotated[str, typer.Argument(metavar="IN", help="A .jsonl, .csv or .tsv file, or - for standard input.")],
    out: Annotated[
        Path | None, typer.Option(help="Written when all is judged, in the format of IN; default: standard output.")
    ] = None,
    table_format: Annotated[
        TableFormat | None, typer.Option("--format", help="Of IN; default: by its name, jsonl for standard input.")
    ] = None,
    prediction_column: Annotated[str, typer.Option(help="Where the model's answer is.")] = "prediction",
    ground_truth_column: Annotated[str, typer.Option(help="Where the label is.")] = "ground_truth",
    prefix: Annotated[str, typer.Option(help="Of the new columns.")] = "",
    judge: JudgeName = "taxonomy",
    judge_url: JudgeUrl = None,
    judge_set: JudgeSettings = None,
) -> None:
    """Judge a table of pairs; adds the columns category, source, confidence and agreement.

    A failure ends it with exit status 2 and writes nothing; the verdicts had by then are in the judge's cache, and the
    same command goes on from there.
    """
    ledger = Ledger()
    columns = Columns(prediction_column, ground_truth_column, prefix)
    with refusing(told_before=lambda: _spent(ledger)):
        config = _judge_config(judge, judge_url, judge_set)
        rows_format = _format(table, table_format, out)
        read = _read(table)
        rows = read_rows(read, rows_format, columns, "standard input" if table == _STDIN else table)
        verdicts = _judge(config, [row.pair for row in rows], ledger)
        text = write_rows(rows, verdicts, rows_format, columns, delimiter_of(read))
        if out is not None:
            write_text(out, text)
    if out is None:
        typer.echo(text, nl=False)
    counted = Counter(verdict.category for verdict in verdicts)
    _tell([", ".join(f"{category.symbol} {counted[category]}" for category in Category), *ledger.account().lines()])


@app.command("calibrate")
def calibrate_judge(
    judge: JudgeName = "server",
    judge_url: JudgeUrl = None,
    judge_set: JudgeSettings = None,
    gold: Annotated[Path | None, typer.Option(help="Another gold set, as gold.jsonl of the package.")] = None,
    domain: Annotated[list[str] | None, typer.Option(help="Only these pairs, such as birds; may be repeated.")] = None,
    min_accuracy: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with status 1 when the accuracy is lower.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for calibration.json and confusion.png.")] = None,
) -> None:
    """Measure a judge on the gold set: accuracy, confusion, cost and latency.

    Nothing comes out of the cache of other runs, unless --judge-set cache=... names one: the figures are the server's.
    """
    import json
    from datetime import datetime, timezone

    from speciarl_verl import __version__
    from speciarl_verl.judge.calibration.agreement import calibrate
    from speciarl_verl.judge.calibration.agreement_report import as_json, as_lines, draw_confusion, require_drawing
    from speciarl_verl.judge.calibration.gold import load_gold

    ledger = Ledger()
    with refusing(told_before=lambda: _spent(ledger)):
        config = _uncached(_judge_config(judge, judge_url, judge_set), judge_set or ())
        entries = _of_domains(load_gold(gold), domain)
        if out is not None:
            require_drawing()
            out.mkdir(parents=True, exist_ok=True)
        menu, rubrics = _questions(config)
        verdicts = _judge(config, [entry.pair for entry in entries], ledger)
        broader_is_right = bool(rubrics) and all(rubric.broader_is_right for rubric in rubrics)
        calibration = calibrate(entries, verdicts, menu, broader_is_right)
        account = ledger.account()
        if out is not None:
            about = {
                "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "version": __version__,
                "judge": config.model_dump(mode="json"),
                "rubrics": [{"name": rubric.name, "version": rubric.version} for rubric in rubrics],
                "gold": str(gold or "shipped"),
                "only_domains": domain or None,
            }
            text = json.dumps(as_json(calibration, account, about), ensure_ascii=False, indent=2)
            with whole_file(out / "confusion.png") as partial:
                draw_confusion(calibration, partial)
            write_text(out / "calibration.json", text + "\n")
    typer.echo("\n".join(as_lines(calibration, account)))
    accuracy = calibration.accuracy.value
    if min_accuracy is not None and (accuracy is None or accuracy < min_accuracy):
        typer.echo(f"speciarl: the accuracy is below --min-accuracy {min_accuracy}", err=True)
        raise typer.Exit(1)


def _judge_config(name: str, url: str | None, settings: list[str] | None) -> "JudgeConfig":
    from speciarl_verl.cli.judge_settings import judge_config

    return judge_config(name, url, settings)


def _judge(config: "JudgeConfig", pairs: Sequence[Pair], ledger: Ledger) -> list[Verdict]:
    from speciarl_verl.judge.build import build_judge
    from speciarl_verl.judge.many import judge_pairs

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    return judge_pairs(pairs, build_judge(config, ledger))


def _read(table: str) -> str:
    return decode(typer.get_binary_stream("stdin").read(), table) if table == _STDIN else read_text(Path(table))


def _format(table: str, asked: TableFormat | None, out: Path | None) -> TableFormat:
    default = TableFormat.JSONL if table == _STDIN else None
    table_format = asked or default or TableFormat.of(Path(table))
    if out is not None:
        if out.suffix and out.suffix.lower() not in table_format.endings:
            raise InputError(f"--out {out}: it would hold {table_format.value}, as IN does; name it so")
        if out.is_dir() or not out.resolve().parent.is_dir():
            raise InputError(f"--out {out}: a folder, or in a folder that does not exist; name a file")
    return table_format


def _of_domains(gold: "Sequence[GoldPair]", domains: Sequence[str] | None) -> "Sequence[GoldPair]":
    known = dict.fromkeys(entry.domain for entry in gold)
    for domain in domains or ():
        if domain not in known:
            raise InputError(f"--domain {domain}: the gold set has {', '.join(known)}")
    return [entry for entry in gold if not domains or entry.domain in domains]


def _uncached(config: "JudgeConfig", settings: Sequence[str]) -> "JudgeConfig":
    from speciarl_verl.judge.judge_config import ServerJudgeConfig

    chosen = any(setting.startswith("cache=") for setting in settings)
    if chosen or not isinstance(config, ServerJudgeConfig):
        return config
    return config.model_copy(update={"cache": "memory"})


def _questions(config: "JudgeConfig") -> tuple[frozenset[Category], list["Rubric"]]:
    """The categories that the judge may give, and the rubrics that it is told."""
    from speciarl_verl.judge.judge_config import ServerJudgeConfig
    from speciarl_verl.judge.llm.question import make_forms

    if not isinstance(config, ServerJudgeConfig):
        return frozenset(Category), []
    rubrics = list({form.rubric.name: form.rubric for form in make_forms(config)}.values())
    return frozenset(category for rubric in rubrics for category in rubric.grades.values()), rubrics


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        typer.echo(line, err=True)


def _spent(ledger: Ledger) -> Sequence[str]:
    account = ledger.account()
    return account.lines() if account.asked else ()
