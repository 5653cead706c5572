"""The page: no script, one style sheet known by its hash, pictures as data; what a model said is escaped text."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from statistics import fmean
from typing import Any

from jinja2 import Environment, StrictUndefined

from speciarl_verl.evaluation.outcome_colours import DARK, LIGHT, Tone
from speciarl_verl.rollout.step_figures import METRICS, OURS
from speciarl_verl.rollout.trace import TEXT
from speciarl_verl.run_report.portraits import Portrait
from speciarl_verl.run_report.run_folder import Run
from speciarl_verl.run_report.survey import Survey
from speciarl_verl.watch.alerts import Spell
from speciarl_verl.watch.metrics_log import REWARD
from speciarl_verl.watch.step_line import duration, seconds_of

_TONES = {symbol: f"t{number}" for number, symbol in enumerate(LIGHT)}
_FEW = 3
"""Steps at either end of a course that its two figures are a mean of; a short course's halves."""
_SETTINGS = (
    ("algorithm", "algorithm.adv_estimator"),
    ("rule", "speciarl.reward.rule"),
    ("judge", "speciarl.judge.name"),
    ("rollouts", "actor_rollout_ref.rollout.n"),
    ("prompts a step", "data.train_batch_size"),
    ("learning rate", "actor_rollout_ref.actor.optim.lr"),
    ("LoRA rank", "actor_rollout_ref.model.lora_rank"),
    ("seed", "speciarl.seed"),
)


@dataclass(frozen=True)
class RunView:
    """All that the page shows of a run; plots as PNG, `thumbnails` as WebP, one a portrait."""

    run: Run
    survey: Survey
    spells: Sequence[Spell]
    outcomes: bytes
    classes: bytes | None
    portraits: Sequence[Portrait]
    thumbnails: Sequence[bytes | None]

    @property
    def last(self) -> int:
        """The last step of training that was logged."""
        return self.run.training[-1].number

    @property
    def seconds(self) -> float:
        """Of all steps that were logged; starts are none of it."""
        return sum(seconds_of(step) for step in self.run.training)

    def course(self, name: str) -> str:
        """`early -> late` of a figure of ours or of the reward."""
        figure = REWARD if name == "reward" else OURS + name
        values = [step.figures[figure] for step in self.run.training if figure in step.figures]
        few = min(_FEW, max(1, len(values) // 2))
        return f"{fmean(values[:few]):.3f} \u2192 {fmean(values[-few:]):.3f}" if values else "\u2013"

    def validation(self) -> str:
        """The first and the last HM."""
        values = [value for _, value in self.run.validations("hm")]
        return f"{values[0]:.3f} \u2192 {values[-1]:.3f}" if values else "\u2013"

    def settings(self) -> list[tuple[str, Any]]:
        """The few of the configuration by which runs differ most."""
        return [(name, self.run.setting(key)) for name, key in _SETTINGS]

    def account(self) -> list[tuple[str, list[str]]]:
        """The judge's account: a figure, and its values launch by launch."""
        names = dict.fromkeys(name for launch in self.run.launches for name in launch.account)
        rows = [(name, [launch.account.get(name) for launch in self.run.launches]) for name in names]
        return [(name, [_number(value) for value in values]) for name, values in rows if any(values)]


def render_page(views: Sequence[RunView], course: bytes) -> str:
    """The page of some runs.

    Args:
        course: the plot of all runs, PNG.
    """
    folder = resources.files(__package__) / "assets"
    style = (folder / "run_style.css").read_text(encoding="utf-8") + _tones()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"b64": _base64, "tone": _tone, "duration": duration}
    page = environment.from_string((folder / "run_page.html.j2").read_text(encoding="utf-8"))
    return page.render(
        title=", ".join(view.run.name for view in views),
        style=style,
        style_source=f"'sha256-{digest}'",
        views=views,
        course=course,
        metrics=METRICS,
        text=TEXT,
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _tone(row: Mapping[str, Any]) -> str:
    return _TONES[row["category"]]


def _tones() -> str:
    return f"{_rules(LIGHT)}@media (prefers-color-scheme: dark) {{\n{_rules(DARK)}}}\n"


def _rules(tones: Mapping[str, Tone]) -> str:
    return "".join(
        f".{_TONES[symbol]} {{ background: {tone.colour}; color: {tone.ink}; }}\n" for symbol, tone in tones.items()
    )


def _number(value: float | None) -> str:
    if value is None:
        return "\u2013"
    return f"{value:,.0f}" if value == int(value) else f"{value:.4g}"
