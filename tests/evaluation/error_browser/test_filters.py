"""Filters, search, order, and the address that keeps them."""

import pytest
from selenium.webdriver.support.select import Select

from speciarl_verl.method.category import Category
from tests.evaluation.error_browser.pages import make_judged, write_page


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


def test_samples_that_disagree_can_be_singled_out(reader, tmp_path):
    judged = [
        make_judged(n, sample=s, outcome=Category.SPECIFIC if n == 2 and s == 1 else Category.WRONG)
        for n in range(4)
        for s in range(3)
    ]
    reader.open(write_page(tmp_path / "page.html", judged))
    assert reader.count() == "12 of 12 predictions, 4 pictures"
    reader.one("#split").click()
    assert reader.rows() == [[f"sample {s} · birds / 0002.png", "S" if s == 1 else "W"] for s in range(3)]
    reader.all(".picture")[0].click()
    assert reader.texts(".siblings .badge") == ["W", "S", "W"]


def test_disagreement_is_not_offered_with_one_sample_a_picture(reader, mixed):
    reader.open(mixed)
    assert not reader.one("#split-label").is_displayed()
