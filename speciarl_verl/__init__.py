"""Specificity-aware rewards (SpeciaRL, arXiv 2603.03197) as a plugin for verl, and as a library.

Importing the package costs nothing: each public name brings its module when it is first used; torch, ray and verl are
imported only by the modules that are verl's seams.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speciarl_verl.errors import JudgeError, SpeciaRLError
    from speciarl_verl.evaluation.pipeline import evaluate_predictions
    from speciarl_verl.judge.build import build_judge
    from speciarl_verl.judge.judge_config import CustomJudgeConfig, ServerJudgeConfig, TaxonomyJudgeConfig
    from speciarl_verl.judge.many import judge_pairs
    from speciarl_verl.judge.protocol import Judge, Pair, Source, Verdict
    from speciarl_verl.method.answer import Extraction, extract_answer
    from speciarl_verl.method.category import Category
    from speciarl_verl.method.facts import Group
    from speciarl_verl.method.metrics import Metrics, average_metrics, compute_metrics
    from speciarl_verl.method.rules import GroupReward, group_reward

__version__ = "0.1.0"
__all__ = [
    "Category",
    "CustomJudgeConfig",
    "Extraction",
    "Group",
    "GroupReward",
    "Judge",
    "JudgeError",
    "Metrics",
    "Pair",
    "ServerJudgeConfig",
    "Source",
    "SpeciaRLError",
    "TaxonomyJudgeConfig",
    "Verdict",
    "average_metrics",
    "build_judge",
    "compute_metrics",
    "evaluate_predictions",
    "extract_answer",
    "group_reward",
    "judge_pairs",
]
_MODULES = {
    "errors": ("JudgeError", "SpeciaRLError"),
    "evaluation.pipeline": ("evaluate_predictions",),
    "judge.build": ("build_judge",),
    "judge.judge_config": ("CustomJudgeConfig", "ServerJudgeConfig", "TaxonomyJudgeConfig"),
    "judge.many": ("judge_pairs",),
    "judge.protocol": ("Judge", "Pair", "Source", "Verdict"),
    "method.answer": ("Extraction", "extract_answer"),
    "method.category": ("Category",),
    "method.facts": ("Group",),
    "method.metrics": ("Metrics", "average_metrics", "compute_metrics"),
    "method.rules": ("GroupReward", "group_reward"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
