"""From the judged rollouts of one step to the figures that a tracker shows. Pure.

A row is what `plugin/replay_buffer.py` writes of one rollout: `category`, `verdict`, `best`, `reference` and `rule` by
their symbols, `answer`, `ground_truth`, `group_reward`, `uid`.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from speciarl_verl.judge.response import ANSWER_RULES
from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import weigh
from speciarl_verl.rollout.scorer import SHARE_KEYS, UNPARSEABLE
from speciarl_verl.rollout.trace import judge_wait_s

OURS = "training/speciarl/"
"""What the names of our training figures begin with."""
NONE = "none"
"""Of a group without a parseable response, or of a rule that sets no bar."""
BAR_KEYS = (*(category.symbol for category in Category), NONE)
METRICS = ("specificity", "correctness", "hm")

Row = Mapping[str, Any]


def step_figures(rows: Sequence[Row], groups_asked: int) -> dict[str, float]:
    """What a step's rollouts came to.

    Shares are in [0, 1]: of rollouts (`share`, `rule`), of groups (`best` for c_best, `reference` for c*,
    `groups_without_signal`, which all got the same reward and so teach nothing), of judged rollouts (`noised...`,
    whose verdict judge noise moved; `correct...`). Specificity, correctness and HM count an unparseable response as
    wrong. Lengths are in words. `top_answer` is the share of the commonest answer among all. `judge_wait_s` are the
    seconds from the step's last response to its last verdict.

    Args:
        rows: of all rollouts, at least one.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["uid"]].append(row)
    outcomes = Counter(row["category"] for row in rows)
    judged = len(rows) - outcomes[UNPARSEABLE]
    rules = Counter(row["rule"] for row in rows)
    moved = sum(row["category"] != row["verdict"] for row in rows)
    figures = {f"share/{key}": outcomes[key] / len(rows) for key in SHARE_KEYS}
    figures |= {f"rule/{rule}": rules[rule] / len(rows) for rule in ANSWER_RULES}
    figures |= _metrics(outcomes)
    figures |= {
        "noised_share_of_judged": moved / judged if judged else 0.0,
        "correct_share_of_judged": 1 - outcomes["W"] / judged if judged else 0.0,
        "groups_without_signal": fmean(len({row["group_reward"] for row in group}) == 1 for group in groups.values()),
        "groups_lost": float(groups_asked - len(groups)),
    }
    figures |= _of_groups(list(groups.values())) | _of_answers(rows, list(groups.values()))
    waited = judge_wait_s(rows)
    if waited is not None:
        figures["judge_wait_s"] = waited
    return {OURS + name: figure for name, figure in figures.items()}


def _metrics(weights: Mapping[str, float]) -> dict[str, float]:
    weighed: dict[Category, float] = defaultdict(float)
    for symbol, weight in weights.items():
        weighed[Category.WRONG if symbol == UNPARSEABLE else Category.from_label(symbol)] += weight
    ratios = weigh(weighed)
    return {name: float(getattr(ratios, name)) for name in METRICS}


def _of_groups(groups: Sequence[Sequence[Row]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name in ("best", "reference"):
        found = Counter(group[0][name] or NONE for group in groups)
        figures |= {f"{name}/{key}": found[key] / len(groups) for key in BAR_KEYS}
    return figures


def _of_answers(rows: Sequence[Row], groups: Sequence[Sequence[Row]]) -> dict[str, float]:
    answers = Counter(_normal(row["answer"]) for row in rows if row["answer"])
    truths = fmean(len(row["ground_truth"].split()) for row in rows)
    if not answers:
        return {"answer_words": 0.0, "truth_words": truths, "distinct_answers": 0.0, "top_answer": 0.0}
    return {
        "answer_words": fmean(len(row["answer"].split()) for row in rows if row["answer"]),
        "truth_words": truths,
        "distinct_answers": fmean(len({_normal(row["answer"]) for row in group if row["answer"]}) for group in groups),
        "top_answer": answers.most_common(1)[0][1] / answers.total(),
    }


def _normal(answer: str) -> str:
    return " ".join(answer.casefold().split())


def validation_figures(logged: Mapping[str, float]) -> dict[str, float]:
    """Specificity, correctness and HM of a validation, `val-core/<data source>/hm`, from the shares that verl logs.

    verl averages what each validation rollout brings (`val-aux/<data source>/share_W/mean@1`) and knows no ratios.
    """
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for name, value in logged.items():
        parts = name.split("/")
        if parts[0].startswith("val-") and parts[-1].startswith("mean@") and parts[-2].startswith("share_"):
            shares["/".join(parts[1:-2])][parts[-2].removeprefix("share_")] = value
    return {
        f"val-core/{source}/{name}": value
        for source, found in shares.items()
        if found.keys() == set(SHARE_KEYS)
        for name, value in _metrics(found).items()
    }
