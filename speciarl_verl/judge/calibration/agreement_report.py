"""A calibration as text, as JSON and as a picture."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from speciarl_verl.errors import InputError
from speciarl_verl.judge.calibration.agreement import Calibration, Share
from speciarl_verl.judge.ledger import Account
from speciarl_verl.method.category import Category

SCHEMA_VERSION = 1
_MISTAKES_SHOWN = 10


def as_lines(calibration: Calibration, account: Account) -> list[str]:
    """For people."""
    accuracy = calibration.accuracy
    return [
        f"accuracy {_percent(accuracy)}: {accuracy.count} of {accuracy.of} pairs "
        f"(95% interval {accuracy.low:.1%} to {accuracy.high:.1%}, Wilson)",
        "",
        *_matrix(calibration),
        "",
        *_shares("kind", calibration.accuracy_by("kind")),
        "",
        *_shares("domain", calibration.accuracy_by("domain")),
        "",
        *_mistakes(calibration),
        *account.lines(),
    ]


def as_json(calibration: Calibration, account: Account, about: Mapping[str, Any]) -> dict[str, Any]:
    """For machines: plain data, categories by their symbols, shares in [0, 1].

    Args:
        about: what was measured; goes in as it is.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        **about,
        "accuracy": asdict(calibration.accuracy),
        "categories": {
            category.symbol: {
                "recall": asdict(calibration.recall(category)),
                "precision": asdict(calibration.precision(category)),
            }
            for category in calibration.menu
        },
        "kinds": {name: asdict(share) for name, share in calibration.accuracy_by("kind").items()},
        "domains": {name: asdict(share) for name, share in calibration.accuracy_by("domain").items()},
        "confusion": {
            "categories": [category.symbol for category in calibration.menu],
            "expected_by_given": calibration.confusion(),
        },
        "mistakes": [
            {
                **judgement.gold.model_dump(mode="json", exclude={"category"}),
                "expected": judgement.expected.symbol,
                "given": judgement.given.symbol,
                "source": judgement.source.value,
                "confidence": judgement.confidence,
            }
            for judgement in calibration.mistakes
        ],
        "account": account.figures(),
    }


def require_drawing() -> None:
    """Find out before the judging whether `draw_confusion` can work after it.

    Raises:
        InputError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise InputError("--out draws with matplotlib, which is not there: pip install 'speciarl_verl[quickstart]'")


def draw_confusion(calibration: Calibration, path: Path) -> None:
    """Draw the confusion matrix as a PNG: counts, on the share of their row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    names = [_name(category) for category in calibration.menu]
    counts = calibration.confusion()
    shares = [[count / (sum(row) or 1) for count in row] for row in counts]
    side = 2.8 + 0.85 * len(names)
    figure = Figure(figsize=(side + 0.9, side - 0.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, row_counts in enumerate(counts):
        for column, count in enumerate(row_counts):
            colour = "white" if shares[row][column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour if count else "#bbbbbb")
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("the judge says")
    axes.set_ylabel("gold set")
    accuracy = calibration.accuracy
    axes.set_title(f"accuracy {_percent(accuracy)}, {accuracy.count} of {accuracy.of} pairs", fontsize=11)
    figure.colorbar(image, ax=axes, shrink=0.75, label="share of the row", format=PercentFormatter(1))
    figure.savefig(path, format="png")


def _matrix(calibration: Calibration) -> list[str]:
    symbols = [category.symbol for category in calibration.menu]
    cells = [[str(count) for count in row] for row in calibration.confusion()]
    recalls = [_percent(calibration.recall(category)) for category in calibration.menu]
    precisions = [_percent(calibration.precision(category)) for category in calibration.menu]
    rows = [[symbol, *row, recall] for symbol, row, recall in zip(symbols, cells, recalls, strict=True)]
    return _table([["gold / judge", *symbols, "recall"], *rows, ["precision", *precisions, ""]])


def _shares(title: str, shares: Mapping[str, Share]) -> list[str]:
    rows = [[name, str(share.count), str(share.of), _percent(share)] for name, share in shares.items()]
    return _table([[title, "right", "of", "accuracy"], *rows])


def _mistakes(calibration: Calibration) -> list[str]:
    mistakes = calibration.mistakes
    if not mistakes:
        return []
    shown = mistakes[:_MISTAKES_SHOWN]
    rest = len(mistakes) - len(shown)
    return [
        "truth / prediction / gold / judge",
        *(
            f"{mistake.gold.ground_truth} / {_short(mistake.gold.prediction)} / {mistake.expected.symbol} / "
            f"{mistake.given.symbol}"
            for mistake in shown
        ),
        *([f"and {rest} more mistakes, all of them in calibration.json with --out"] if rest else []),
        "",
    ]


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    ]


def _percent(share: Share) -> str:
    return "-" if share.value is None else f"{share.value:.1%}"


def _name(category: Category) -> str:
    return f"{category.label} ({category.symbol})"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else f"{flat[:57]}..."
