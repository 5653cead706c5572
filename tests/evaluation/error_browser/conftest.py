"""Headless Chromium, and the pages that several tests read."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from speciarl_verl.evaluation.records import Outcome
from speciarl_verl.method.category import Category
from tests.evaluation.error_browser.pages import make_judged, write_large, write_page
from tests.evaluation.error_browser.reader import Reader

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync --window-size=1280,900"
)


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
def mixed(tmp_path_factory) -> Path:
    """100 pictures in two sets: ten of every outcome, but thirty that failed."""
    outcomes = [*Category, Outcome.UNPARSEABLE, *[Outcome.FAILED] * 3]
    judged = [
        make_judged(n, dataset="birds" if n < 50 else "cars", outcome=outcomes[n % 10], confidence=n / 100)
        for n in range(100)
    ]
    return write_page(tmp_path_factory.mktemp("mixed") / "browser.html", judged)


@pytest.fixture(scope="package")
def large(tmp_path_factory) -> Path:
    return write_large(tmp_path_factory.mktemp("large") / "browser.html", 5000)
