"""Judged predictions and runs for the tests of reports."""

import random
from datetime import datetime, timezone

from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.evaluation.report.build import JudgeAbout, RunAbout, SamplingAbout, Versions
from speciarl_verl.method.category import Category

ABOUT = RunAbout(
    name="a run",
    model="Qwen/Qwen2.5-VL-7B-Instruct",
    prompt="default",
    judge=JudgeAbout(kind="server", model="meta-llama/Llama-3-70B-Instruct", rubric="paper"),
    sampling=SamplingAbout(),
    data=("test.parquet",),
    created=datetime(2026, 11, 21, 13, tzinfo=timezone.utc),
    versions=Versions(package="0.1.0", engine="vllm 0.24.0"),
)


def about(name="a run", *, samples=1, **changes):
    return ABOUT.model_copy(update={"name": name, "sampling": SamplingAbout(n=samples), **changes})


def judge(outcome, *, dataset="cub", image="0.jpg", sample=0, truth="Mallard", answer="duck", source="server"):
    """One sample; `outcome` is a category or an outcome."""
    judged = isinstance(outcome, Category)
    return Judged(
        Prediction(
            SampleKey(dataset, image, sample),
            truth,
            None if outcome is Outcome.FAILED else f"<answer>{answer}</answer>",
            "no reply" if outcome is Outcome.FAILED else None,
        ),
        answer if judged else None,
        outcome,
        source=source if judged else None,
    )


def judge_all(outcomes, *, dataset="cub"):
    """One sample each of as many pictures."""
    return [judge(outcome, dataset=dataset, image=f"{i}.jpg") for i, outcome in enumerate(outcomes)]


def draw(dataset, images, *, samples=1, seed=0, classes=7, answers=("poodle", "beagle", "a cat")):
    """Samples of every outcome, at random."""
    drawn = random.Random(f"{dataset} {seed}")
    return [
        judge(
            drawn.choice([*Category, *Outcome, Category.SPECIFIC, Category.WRONG]),
            dataset=dataset,
            image=f"{i:05d}.jpg",
            sample=sample,
            truth=f"class {i % classes}",
            answer=drawn.choice(answers),
        )
        for i in range(images)
        for sample in range(samples)
    ]
