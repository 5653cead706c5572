"""The page in headless Chromium, as a reader uses it."""

import shutil
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from speciarl_verl.category import Category
from speciarl_verl.evaluation.browser import write_browser
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from tests.evaluation.test_browser import HOSTILE, picture

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync --window-size=1280,900"
)
# More chunks than fit near a window of 900 pixels would be a list that is not lazy.
_MOST_ROWS = 4 * 60


class Reader:
    """What a person does with the page."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, path: Path, fragment: str = "") -> None:
        self.driver.get("about:blank")
        self.driver.get(path.as_uri() + fragment)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        """Text nodes as they are, but for lone surrogates, which the driver's protocol cannot carry."""
        select = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent.toWellFormed())"
        return self.driver.execute_script(select, css)

    def rows(self) -> list[list[str]]:
        """Place and category of the rows in the page."""
        places, badges = self.texts(".row [data-field=place]"), self.texts(".row .badge")
        return [list(row) for row in zip(places, badges, strict=True)]

    def count(self) -> str:
        return self.one("#count").text

    def chips(self) -> list[int]:
        return [int(text.replace(",", "")) for text in self.texts("#categories output")]

    def press(self, *keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(*keys)

    def wait(self, condition: Callable[[], object]) -> None:
        WebDriverWait(self.driver, 30, poll_frequency=0.02).until(lambda _: condition())

    def run(self, script: str) -> object:
        return self.driver.execute_script(script)


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Iterator[Reader]:
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and chromedriver):
        pytest.fail("these tests need Chromium: apt-get install -y chromium chromium-driver", pytrace=False)
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in [*_FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(chromedriver))
    yield Reader(driver)
    driver.quit()


@pytest.fixture(autouse=True)
def _quiet_console(reader) -> Iterator[None]:
    """Neither errors nor refusals of the page's policy, in any test that does not provoke them."""
    reader.driver.get_log("browser")
    yield
    assert reader.driver.get_log("browser") == []


def _judged(
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


def _write(path: Path, judged: list[Judged]) -> Path:
    write_browser(judged, lambda key: picture(int(key.image[:4]) % 256), path, title="run & co")
    return path


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Path:
    """100 pictures in two sets, every outcome; ten of each W, A, G, S-, S, S+, unparseable in 70, failed in 30."""
    outcomes = [*Category, Outcome.UNPARSEABLE, *[Outcome.FAILED] * 3]
    judged = [
        _judged(n, dataset="birds" if n < 50 else "cars", outcome=outcomes[n % 10], confidence=n / 100)
        for n in range(100)
    ]
    return _write(tmp_path_factory.mktemp("mixed") / "browser.html", judged)


def _large(path: Path, number: int) -> Path:
    """Ten samples a picture."""
    outcomes = [*Category, *Outcome]
    judged = [
        _judged(n // 10, sample=n % 10, outcome=outcomes[n % 8], response=f"response {n} " + "word " * 80)
        for n in range(number)
    ]
    return _write(path, judged)


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    return _large(tmp_path_factory.mktemp("large") / "browser.html", 5000)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_shows_as_text_and_runs_nothing(reader, tmp_path, hostile):
    item = Judged(
        Prediction(SampleKey(hostile, hostile, 0), hostile, hostile), hostile, Category.WRONG, None, hostile, None
    )
    write_browser([item, _judged(1)], lambda key: None, tmp_path / "page.html", title="run")
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


def test_category_filter_shows_its_rows_and_counts(reader, mixed):
    reader.open(mixed)
    assert reader.count() == "100 of 100 predictions"
    assert reader.chips() == [10, 10, 10, 10, 10, 10, 10, 30]
    chips = reader.all("#categories button")
    chips[0].click()
    assert reader.count() == "10 of 100 predictions"
    assert reader.rows() == [[f"{'birds' if n < 50 else 'cars'} / {n:04d}.png", "W"] for n in range(0, 100, 10)]
    chips[7].click()
    assert reader.count() == "40 of 100 predictions"
    assert {badge for _, badge in reader.rows()} == {"W", "failed"}
    chips[0].click()
    assert reader.count() == "30 of 100 predictions"
    # The counts on the chips are of the other filters: what a click would bring.
    assert reader.chips() == [10, 10, 10, 10, 10, 10, 10, 30]
    assert [chip.get_attribute("aria-pressed") for chip in chips] == ["false"] * 7 + ["true"]


def test_data_set_and_class_filters_narrow_together(reader, mixed):
    reader.open(mixed)
    Select(reader.one("#dataset")).select_by_visible_text("cars")
    assert reader.count() == "50 of 100 predictions"
    assert reader.chips() == [5, 5, 5, 5, 5, 5, 5, 15]
    assert reader.texts("#class option") == ["All classes", *[f"class {n}" for n in range(5)]]
    Select(reader.one("#class")).select_by_visible_text("class 3")
    assert [place for place, _ in reader.rows()] == [f"cars / {n:04d}.png" for n in range(53, 100, 5)]


@pytest.mark.parametrize(
    ("query", "images"),
    [
        pytest.param("answer 42", [42], id="answer"),
        pytest.param("ANSWER 42", [42], id="case"),
        pytest.param("class 3", list(range(3, 100, 5)), id="truth"),
        pytest.param("<answer>answer 7", [7, *range(70, 80)], id="response"),
        pytest.param("nowhere", [], id="nothing"),
        pytest.param(".*", [], id="not-a-pattern"),
    ],
)
def test_search_finds_text_of_truth_answer_and_response(reader, mixed, query, images):
    reader.open(mixed)
    reader.one("#search").send_keys(query)
    assert [int(place[-8:-4]) for place, _ in reader.rows()] == images
    assert reader.count() == f"{len(images)} of 100 predictions"
    assert reader.one("#nothing").is_displayed() == (not images)
    assert {mark.lower() for mark in reader.texts("mark")} == ({query.lower()} if images else set())


@pytest.mark.parametrize(
    ("order", "first"),
    [
        pytest.param("By data set and picture", ["0000", "0001"], id="key"),
        pytest.param("Worst first", ["0007", "0008"], id="worst"),
        pytest.param("Best first", ["0005", "0015"], id="best"),
        pytest.param("By truth", ["0000", "0005"], id="truth"),
        pytest.param("By answer", ["0000", "0001"], id="answer"),
        pytest.param("Least confident first", ["0000", "0001"], id="confidence"),
        pytest.param("Longest response first", ["0010", "0011"], id="longest"),
    ],
)
def test_order_is_as_chosen(reader, mixed, order, first):
    reader.open(mixed)
    Select(reader.one("#sort")).select_by_visible_text(order)
    assert [place[-8:-4] for place, _ in reader.rows()[:2]] == first


def test_address_keeps_the_filters(reader, mixed):
    reader.open(mixed)
    reader.all("#categories button")[5].click()
    Select(reader.one("#dataset")).select_by_visible_text("cars")
    Select(reader.one("#sort")).select_by_visible_text("Best first")
    reader.one("#search").send_keys("class 0")
    reader.wait(lambda: "search=class+0" in reader.driver.current_url)
    rows, address = reader.rows(), reader.driver.current_url
    assert [place for place, _ in rows] == [f"cars / {n:04d}.png" for n in range(55, 100, 10)]
    reader.open(mixed, "#" + address.split("#")[1])
    assert (reader.rows(), reader.one("#search").get_attribute("value")) == (rows, "class 0")
    assert reader.all("#categories button")[5].get_attribute("aria-pressed") == "true"
    reader.one("#reset").click()
    assert reader.count() == "100 of 100 predictions"
    reader.wait(lambda: "#" not in reader.driver.current_url)


def test_unknown_values_in_the_address_are_left_out(reader, mixed):
    reader.open(mixed, "#category=X,S%2B&dataset=<b>&class=nothing&sort=constructor")
    assert reader.count() == "10 of 100 predictions"
    assert {badge for _, badge in reader.rows()} == {"S+"}


def test_response_opens_and_closes(reader, tmp_path):
    response = "first line\nsecond line\n" + "word " * 300 + "\nthe end"
    reader.open(_write(tmp_path / "page.html", [_judged(n, response=response) for n in range(3)]))
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
        _judged(0, outcome=Outcome.FAILED, answer=None, response=None, failure="HTTP 500 from the engine"),
        _judged(1, outcome=Outcome.UNPARSEABLE, answer=None, response="I see a bird", refusal="no-answer"),
    ]
    reader.open(_write(tmp_path / "page.html", judged))
    assert reader.texts(".row .badge") == ["failed", "unparseable"]
    assert reader.texts(".row [data-field=answer]") == ["no answer", "no-answer"]
    assert reader.texts(".row [data-field=response]") == ["HTTP 500 from the engine", "I see a bird"]


def test_missing_picture_is_a_visible_placeholder(reader, tmp_path):
    write_browser([_judged(0), _judged(1)], lambda key: None, tmp_path / "page.html", title="run")
    reader.open(tmp_path / "page.html")
    assert [placeholder.text for placeholder in reader.all(".row .absent")] == ["no picture"] * 2


def test_samples_that_disagree_can_be_singled_out(reader, tmp_path):
    judged = [
        _judged(n, sample=s, outcome=Category.SPECIFIC if n == 2 and s == 1 else Category.WRONG)
        for n in range(4)
        for s in range(3)
    ]
    reader.open(_write(tmp_path / "page.html", judged))
    assert reader.count() == "12 of 12 predictions, 4 pictures"
    reader.one("#split").click()
    assert reader.rows() == [[f"sample {s} · birds / 0002.png", "S" if s == 1 else "W"] for s in range(3)]
    reader.all(".picture")[0].click()
    assert reader.texts(".siblings .badge") == ["W", "S", "W"]


def test_disagreement_is_not_offered_with_one_sample_a_picture(reader, mixed):
    reader.open(mixed)
    assert not reader.one("#split-label").is_displayed()


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
    small = _large(tmp_path / "page.html", 500)
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
