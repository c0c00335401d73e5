"""report.html in headless Chromium; skipped without Chromium, chromedriver or selenium."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kingdra_repro.report.page import write_report, write_run_report
from tests.report.page.made_up import (
    people,
    pictures,
    texts,
    write_results,
    write_run_of_given_labels,
    write_run_with_a_map,
    write_run_without_classes,
)

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver import ActionChains, Keys  # noqa: E402
from selenium.webdriver.support.select import Select  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium, or no chromedriver, is installed"
)

FLAGS = (
    *("headless", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(write_results(tmp_path_factory.mktemp("results")))


@pytest.fixture
def page(browser, report):
    """Open the page anew, 1280 pixels wide; the console must stay empty, and no injected script may run."""
    show(browser, 1280)
    browser.get_log("browser")
    browser.get(report.as_uri())
    yield browser
    assert browser.get_log("browser") == []
    assert browser.execute_script("return window.hacked") is None


def show(browser, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def all_of(page, css):
    return page.find_elements("css selector", css)


def one(page, css):
    (found,) = all_of(page, css)
    return found


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out(page, width):
    show(page, width)
    inside, outside = page.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert inside <= outside
    # Only elements in a box that scrolls may be wider than the screen.
    wide = page.execute_script(
        "return [...document.querySelectorAll('main *')].filter((one) => "
        "one.getBoundingClientRect().right > window.innerWidth + 1 && !one.closest('.scroll'))"
        ".map((one) => one.outerHTML.slice(0, 80))"
    )
    assert wide == []
    page.execute_script("arguments[0].click()", all_of(page, ".cell")[0])
    dialog = one(page, "dialog")
    assert dialog.rect["width"] <= width
    assert page.execute_script("return arguments[0].scrollWidth <= arguments[0].clientWidth", dialog)


def test_text_can_be_read(page):
    """On the narrow screen, no text is smaller than 11 pixels."""
    show(page, 400)
    smallest = page.execute_script(
        "return Math.min(...[...document.querySelectorAll('main *')]"
        ".filter((one) => [...one.childNodes].some((c) => c.nodeType === 3 && c.data.trim()))"
        ".map((one) => parseFloat(getComputedStyle(one).fontSize)))"
    )
    assert smallest >= 11


def names(page):
    return [heading.text.split()[0] for heading in all_of(page, "#table-table2 tbody th")]


def test_sorting(page):
    button = all_of(page, "#table-table2 .sort")[1]
    heading = button.find_element("xpath", "..")
    before = names(page)
    numbers = lambda: [  # noqa: E731
        cell.get_attribute("data-value") for cell in all_of(page, "#table-table2 tbody td:nth-child(2)")
    ]
    button.click()
    assert numbers() == ["91.234", "88.0", None, None]  # empty cells last
    assert heading.get_attribute("aria-sort") == "descending"
    button.send_keys("\n")  # with the keyboard
    assert numbers() == ["88.0", "91.234", None, None]
    assert heading.get_attribute("aria-sort") == "ascending"
    button.click()
    assert names(page) == before
    all_of(page, "#table-table2 .sort")[0].click()
    assert names(page) == sorted(before, reverse=True)


def test_a_click_on_a_number_opens_its_runs(page):
    one(page, "#table-table2 [data-runs*=';']").click()
    dialog = one(page, "dialog[open]")
    assert "Kingdra, file order, Digits" in dialog.text
    assert "ours 91.2 (0.5); n = 2; the paper 98.5 (0.4); difference ▼ −7.3" in dialog.text
    first, second = all_of(page, "dialog details")
    first.find_element("css selector", "summary").click()
    assert "kingdra-run dataset=digits method=kingdra base=ladder_im seed=0" in first.text
    assert "12.5" in first.text  # seconds
    assert "</script><script>" in first.text  # the device's name, as text
    titles = [caption.text for caption in first.find_elements("css selector", ".chart figcaption")]
    assert titles == ["Accuracy", "Agreement", "Pseudo-labels", "Loss"]
    assert len(first.find_elements("css selector", ".chart path.line.series-1")) == 2  # line and legend
    assert "seed=1" not in second.text  # it is collapsed
    one(page, "dialog .close").click()
    assert all_of(page, "dialog[open]") == []


def test_a_run_that_is_gone_is_reported(page):
    one(page, "[data-runs='runs/gone']").click()
    assert "not in runs.csv" in one(page, "dialog[open]").text


def test_choosing_a_cluster(page):
    digits = one(page, ".explorer[data-dataset=digits]")
    buttons = digits.find_elements("css selector", ".clusters button")
    assert len(buttons) == 10
    assert [button.get_attribute("aria-pressed") for button in buttons[:2]] == ["true", "false"]
    buttons[4].click()
    assert [button.get_attribute("aria-pressed") for button in buttons].index("true") == 4
    detail = digits.find_element("css selector", ".detail")
    assert detail.text.startswith("Cluster 4, class 1")
    tiles = detail.find_elements("css selector", ".tile")
    assert len(tiles) == 18  # all of its members
    assert all("class 1" in tile.accessible_name for tile in tiles)
    drawn = page.execute_script("return getComputedStyle(arguments[0]).backgroundImage", tiles[0])
    assert drawn.startswith('url("data:image/png;base64,')
    buttons[0].click()
    wrong = detail.find_elements("css selector", ".tile.wrong")
    assert wrong
    assert not any("class 7," in tile.accessible_name for tile in wrong)


def test_the_table_of_classes_chooses_a_cluster(page):
    digits = one(page, ".explorer[data-dataset=digits]")
    rows = digits.find_elements("css selector", ".confusion tbody tr")
    assert [len(row.find_elements("css selector", "td.matched")) for row in rows] == [1] * 10
    link = rows[3].find_element("css selector", "button")
    link.send_keys("\n")
    assert digits.find_element("css selector", ".detail").text.startswith(f"Cluster {link.text}, class 3")


def test_words_and_disagreement(page):
    texts = one(page, ".explorer[data-dataset=newsgroups]").text
    assert "Strongest words" in texts
    assert "</script><script>window.hacked" in texts  # a file's name, as text
    assert "Where the models disagree" not in texts  # this run has one model
    digits = one(page, ".explorer[data-dataset=digits]")
    assert len(digits.find_elements("css selector", ".votes")) == 24
    assert "5 of 5" in digits.text


def test_a_run_of_a_users_own_data_without_classes(page, tmp_path):
    page.get(write_run_report(write_run_without_classes(tmp_path / "run")).as_uri())
    for width in (1280, 400):
        show(page, width)
        assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    explorer = one(page, ".explorer")
    explorer.find_elements("css selector", ".clusters button")[2].click()
    assert explorer.find_element("css selector", ".detail").text.startswith("Cluster 2\n20 points")
    assert "classes unknown" in explorer.text
    assert "Where the models disagree" in explorer.text
    assert all_of(page, ".confusion") == []
    assert [caption.text for caption in all_of(page, ".run .chart figcaption")] == ["Agreement"]
    assert one(page, ".run .command").text == "kingdra-run dataset=custom seed=0"


def test_clusters_named_by_given_labels(page, tmp_path):
    """Cluster 0 is empty and cluster 1 has no name; a column's long name does not hide its numbers."""
    page.get(write_run_report(write_run_of_given_labels(tmp_path / "run")).as_uri())
    detail = one(page, ".explorer .detail")
    assert detail.text.startswith("Cluster 1\n45 points")
    assert all_of(page, ".confusion") == []
    buttons = all_of(page, ".clusters button")
    assert [button.text.split("\n")[0] for button in buttons] == [
        "Cluster 0, class oak", "Cluster 1", "Cluster 2, class fir"
    ]  # fmt: skip
    for width in (1280, 400):
        show(page, width)
        buttons[2].click()
        assert page.execute_script(
            "const box = document.querySelector('.detail .scroll'); return box.scrollWidth <= box.clientWidth"
        )


def test_no_member_is_marked_where_the_cluster_has_no_class(page, tmp_path):
    data = people()
    labels = np.where(data.y == 2, np.arange(90) // 3 % 2 + 2, data.y)  # the third class is two clusters
    page.get(write_run_report(write_run_with_a_map(tmp_path / "run", data, labels)).as_uri())
    buttons = all_of(page, ".clusters button")
    assert buttons
    for button in buttons:
        button.click()
        assert all_of(page, ".detail .wrong") == []


def test_dark(page):
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    colours = page.execute_script(
        "const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]"
    )
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    light = [sum(map(int, colour[4:-1].split(","))) for colour in colours]
    assert light[0] < 150 < 600 < light[1]


def test_on_paper(page):
    """No box hides content in print, where it cannot be scrolled."""
    show(page, 760)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = page.execute_script(
        "return [...document.querySelectorAll('.scroll, .clusters')].filter((one) =>"
        " one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).overflow !== 'visible').length"
    )
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert hidden == 0


def opened(page, folder, data):
    page.get(write_run_report(write_run_with_a_map(folder, data)).as_uri())
    return one(page, ".map canvas"), one(page, ".tip")


def point_at(page, canvas, x, y):
    """Move the pointer to (x, y) of the canvas, in pixels from its upper left corner."""
    width, height = canvas.rect["width"], canvas.rect["height"]
    ActionChains(page).move_to_element_with_offset(canvas, x - width // 2, y - height // 2).perform()


@pytest.mark.parametrize("width", [1280, 400])
def test_the_map_tells_the_point_under_the_pointer(page, tmp_path, width):
    show(page, width)
    data = people()
    canvas, tip = opened(page, tmp_path / "run", data)
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert not tip.is_displayed()
    canvas.send_keys(Keys.ARROW_RIGHT)
    unscaled = data.unscale(data.X[:1])[0]
    assert tip.text.startswith("row 0\ncluster 0, class 0, ")
    assert f"height {unscaled[0]:.4g}" in tip.text
    assert "<script>" in tip.text
    corner = [tip.rect[side] - canvas.rect[side] for side in ("x", "y")]
    point_at(page, canvas, 12, 6)  # in the rounded corner, far from any point
    WebDriverWait(page, 10).until(lambda _: not tip.is_displayed())
    if width == 1280:  # there was room for the tip below its point, on the right
        point_at(page, canvas, *(round(side) - 14 for side in corner))
        WebDriverWait(page, 10).until(lambda _: tip.text.startswith("row 0\n"))


def test_the_map_has_colours_by_cluster_class_and_agreement(page, tmp_path):
    canvas, _ = opened(page, tmp_path / "run", people())
    select = Select(one(page, ".choose-run select"))
    assert [option.text for option in select.options] == ["cluster", "class", "agreement of the models"]
    keys = lambda: [key.text for key in all_of(page, ".map-legend li") if key.is_displayed()]  # noqa: E731
    assert keys() == ["Cluster 0, class 0 30", "Cluster 1, class 1 30", "Cluster 2, class 2 30"]
    before = page.execute_script("return arguments[0].toDataURL()", canvas)
    select.select_by_visible_text("agreement of the models")
    assert keys()[-1].startswith("5 of 5 ")
    assert page.execute_script("return arguments[0].toDataURL()", canvas) != before
    select.select_by_visible_text("class")
    assert keys() == ["0 30", "1 30", "2 30"]
    # Each cluster is one class here, so both have the same colours.
    assert page.execute_script("return arguments[0].toDataURL()", canvas) == before
    one(page, ".map-legend li:nth-child(2) button").click()  # the others fade
    assert page.execute_script("return arguments[0].toDataURL()", canvas) != before


@pytest.mark.parametrize(("data", "shown"), [(pictures, ".tip .tile"), (texts, ".tip div + div")])
def test_the_map_shows_pictures_and_words(page, tmp_path, data, shown):
    canvas, _ = opened(page, tmp_path / "run", data())
    canvas.send_keys(Keys.ARROW_RIGHT)
    assert one(page, shown).is_displayed()
