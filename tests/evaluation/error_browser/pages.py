"""Pages of predictions made for the tests."""

from pathlib import Path

from speciarl_verl.evaluation.error_browser.page import write_browser
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.method.category import Category
from tests.evaluation.error_browser.test_page import picture


def make_judged(
    image: int, sample: int = 0, dataset: str = "birds", outcome: Category | Outcome = Category.WRONG, **fields
):
    answer = fields.get("answer", f"answer {image}")
    prediction = Prediction(
        SampleKey(dataset, f"{image:04d}.png", sample),
        fields.get("truth", f"class {image % 5}"),
        fields.get("response", f"<think>\nreasons\n</think>\n<answer>{answer}</answer>"),
        fields.get("failure"),
    )
    return Judged(prediction, answer, outcome, fields.get("refusal"), "taxonomy", fields.get("confidence"))


def write_page(path: Path, judged: list[Judged]) -> Path:
    write_browser(judged, lambda key: picture(int(key.image[:4]) % 256), path, title="run & co")
    return path


def write_large(path: Path, number: int) -> Path:
    """Ten samples a picture."""
    outcomes = [*Category, *Outcome]
    judged = [
        make_judged(n // 10, sample=n % 10, outcome=outcomes[n % 8], response=f"response {n} " + "word " * 80)
        for n in range(number)
    ]
    return write_page(path, judged)
