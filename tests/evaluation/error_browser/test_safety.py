"""What a model said never runs, and nothing is loaded."""

import pytest

from speciarl_verl.evaluation.error_browser.page import write_browser
from speciarl_verl.evaluation.records import Judged, Prediction, SampleKey
from speciarl_verl.method.category import Category
from tests.evaluation.error_browser.pages import make_judged
from tests.evaluation.error_browser.test_page import HOSTILE


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_shows_as_text_and_runs_nothing(reader, tmp_path, hostile):
    item = Judged(
        Prediction(SampleKey(hostile, hostile, 0), hostile, hostile), hostile, Category.WRONG, None, hostile, None
    )
    write_browser([item, make_judged(1)], lambda key: None, tmp_path / "page.html", title="run")
    reader.open(tmp_path / "page.html")
    reader.one("#full").click()
    position = next(n for n, text in enumerate(reader.texts(".row [data-field=truth]")) if text != "class 1")
    fields = {
        name: reader.texts(f".row [data-field={name}]")[position] for name in ("truth", "answer", "response", "source")
    }
    shown = hostile.replace("\ud83d", "\ufffd")
    assert set(fields.values()) == {shown}
    assert len(reader.texts("#dataset option")) == 3
    reader.all(".picture")[position].click()
    assert shown in reader.texts("#detail dd")
    reader.one("#close").click()
    assert reader.driver.title == "run"
    # The page's own script is the only one.
    assert reader.run("return document.querySelectorAll('script, svg, img, b').length") == 1


def test_policy_stops_markup_that_a_bug_would_let_in(reader, mixed):
    reader.open(mixed)
    reader.run(
        """
        document.body.insertAdjacentHTML('beforeend', `<img src="x" onerror="document.title = 'pwned'">
          <a id="trap" href="javascript:document.title = 'pwned'">trap</a>`);
        const script = document.createElement('script');
        script.textContent = "document.title = 'pwned'";
        document.body.append(script);
        document.getElementById('trap').click();
        """
    )
    reasons = []
    reader.wait(
        lambda: reasons.extend(entry["message"] for entry in reader.driver.get_log("browser")) or len(reasons) >= 3
    )
    assert reader.driver.title == "run & co"
    assert all("Content Security Policy" in reason for reason in reasons)


def test_page_asks_the_network_for_nothing(reader, mixed):
    reader.open(mixed)
    names = reader.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in names if not name.startswith("data:")] == []
    reader.wait(lambda: reader.run("return [...document.images].every(image => image.naturalWidth === 8)"))
    assert len(reader.all(".row img")) == len(reader.all(".row"))
