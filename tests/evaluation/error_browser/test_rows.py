"""What a row shows, how the keys move, and a page of 5,000."""

import statistics

import pytest
from selenium.webdriver.common.keys import Keys

from speciarl_verl.evaluation.error_browser.page import write_browser
from speciarl_verl.evaluation.records import Outcome
from tests.evaluation.error_browser.pages import make_judged, write_large, write_page

# More chunks than fit near a window of 900 pixels would be a list that is not lazy.
_MOST_ROWS = 4 * 60


def test_response_opens_and_closes(reader, tmp_path):
    response = "first line\nsecond line\n" + "word " * 300 + "\nthe end"
    reader.open(write_page(tmp_path / "page.html", [make_judged(n, response=response) for n in range(3)]))
    assert reader.texts(".row [data-field=response]")[1].startswith("first line second line word")
    assert reader.texts(".row [data-field=response]")[1].endswith("…")
    closed = reader.all(".row")[1].size["height"]
    reader.all(".more")[1].click()
    assert reader.texts(".row [data-field=response]")[1] == response
    assert reader.all(".row")[1].size["height"] > 2 * closed
    reader.all(".more")[1].click()
    assert reader.all(".row")[1].size["height"] == closed
    reader.one("#full").click()
    assert reader.texts(".row [data-field=response]") == [response] * 3


def test_failed_and_unparseable_rows_say_why(reader, tmp_path):
    judged = [
        make_judged(0, outcome=Outcome.FAILED, answer=None, response=None, failure="HTTP 500 from the engine"),
        make_judged(1, outcome=Outcome.UNPARSEABLE, answer=None, response="I see a bird", refusal="no-answer"),
    ]
    reader.open(write_page(tmp_path / "page.html", judged))
    assert reader.texts(".row .badge") == ["failed", "unparseable"]
    assert reader.texts(".row [data-field=answer]") == ["no answer", "no-answer"]
    assert reader.texts(".row [data-field=response]") == ["HTTP 500 from the engine", "I see a bird"]


def test_missing_picture_is_a_visible_placeholder(reader, tmp_path):
    write_browser([make_judged(0), make_judged(1)], lambda key: None, tmp_path / "page.html", title="run")
    reader.open(tmp_path / "page.html")
    assert [placeholder.text for placeholder in reader.all(".row .absent")] == ["no picture"] * 2


def test_keys_move_open_filter_and_search(reader, mixed):
    reader.open(mixed)
    focused = "return document.activeElement.dataset.position"
    reader.one("body").send_keys("jjj")
    assert reader.run(focused) == "2"
    reader.press("k")
    reader.press(Keys.ARROW_UP)
    assert reader.run(focused) == "0"
    reader.press("e")
    assert [row.get_attribute("class") for row in reader.all(".row.open")] == ["row open"]
    reader.press(Keys.ENTER)
    assert "answer 0" in reader.texts("#detail dd")
    reader.press(Keys.ARROW_RIGHT)
    assert "answer 1" in reader.texts("#detail dd")
    reader.press(Keys.ESCAPE)
    reader.wait(lambda: reader.run(focused) == "1")
    reader.press("1")
    assert reader.count() == "10 of 100 predictions"
    reader.one("body").send_keys("/")
    reader.press("answer 90", Keys.ENTER)
    assert reader.count() == "1 of 100 predictions"
    reader.one("body").send_keys("0")
    assert reader.count() == "100 of 100 predictions"


def test_5000_rows_are_drawn_where_the_reader_looks(reader, large):
    reader.open(large)
    assert reader.count() == "5,000 of 5,000 predictions, 500 pictures"
    middle = "document.elementFromPoint(innerWidth / 2, innerHeight / 2)"
    for share in (0, 0.25, 0.5, 1):
        reader.run(f"scrollTo(0, {share} * document.documentElement.scrollHeight)")
        reader.wait(lambda: reader.run(f"return Boolean({middle}?.closest('.row'))"))
        position = int(str(reader.run(f"return {middle}.closest('.row').dataset.position")))
        assert abs(position - share * 5000) < 100
        reader.wait(lambda: 0 < len(reader.all(".row")) <= _MOST_ROWS)
    assert reader.texts(".row [data-field=response]")[-1].startswith("response 4999 ")


def test_keys_reach_rows_that_were_not_drawn(reader, large):
    reader.open(large)
    reader.run("focusRow(3000)")
    reader.press("j")
    assert reader.run("return document.activeElement.dataset.position") == "3001"
    assert reader.run("return document.activeElement.querySelector('[data-field=response]').textContent").startswith(
        "response 3001 "
    )


def test_filter_of_5000_rows_takes_little_longer_than_of_500(reader, large, tmp_path):
    small = write_large(tmp_path / "page.html", 500)
    # Toggling a category: from the click to the rows laid out.
    toggle = """
        const chip = document.querySelector('#categories button');
        const start = performance.now();
        for (let n = 0; n < 10; n++) { chip.click(); document.body.getBoundingClientRect(); }
        return performance.now() - start;
    """
    ratios = []
    for _ in range(5):
        times = []
        for page in (large, small):
            reader.open(page)
            reader.run(toggle)
            times.append(float(str(reader.run(toggle))))
        ratios.append(times[0] / times[1])
    # Drawing all rows, or anything else that is proportional to them, makes it 10.
    assert statistics.median(ratios) < 5


@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_its_window_and_follows_the_colour_scheme(reader, mixed, width, scheme):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    reader.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        reader.open(mixed)
        assert reader.run("return document.documentElement.scrollWidth") <= width
        levels = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        assert (max(reader.run(levels)) < 60) == (scheme == "dark")
        reader.all(".picture")[0].click()
        assert reader.one("#large").size["width"] <= width
    finally:
        reader.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
