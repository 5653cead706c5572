"""Judged predictions and runs for the tests of reports."""

import random

from speciarl_verl.evaluation.pictures import DataFile
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.evaluation.report.contents import JudgeReport
from speciarl_verl.evaluation.run import EngineKind, PredictSettings, Run
from speciarl_verl.method.category import Category

SETTINGS = PredictSettings(engine=EngineKind.VLLM, model="Qwen/Qwen2.5-VL-7B-Instruct", prompt="default")
RUN = Run(
    created="2026-11-21T13:00:00+00:00",
    data=(DataFile(path="test.parquet", rows=1, contract="1", fingerprint="0"),),
    settings=SETTINGS,
    versions={"speciarl_verl": "0.1.0", "vllm": "0.24.0"},
)
LLAMA = JudgeReport(kind="server", model="meta-llama/Llama-3-70B-Instruct", rubric="paper")


def about(name="a run", *, samples=1, judge=LLAMA, **changes):
    """What `build_report` is told of a run; `changes` are fields of its manifest."""
    settings = SETTINGS.model_copy(update={"samples": samples})
    return {"name": name, "run": RUN.model_copy(update={"settings": settings, **changes}), "judge": judge}


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


def judge_each(outcomes, *, dataset="cub"):
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
