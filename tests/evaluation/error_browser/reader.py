"""A person at the page: looks, clicks, types."""

from collections.abc import Callable
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait


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
