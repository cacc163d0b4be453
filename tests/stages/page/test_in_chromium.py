"""The page as a browser shows it: on a phone, on a desk, in the dark and on paper."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stories import qa
from test_whole_page import audit, told

from ftrecipe.stages.page import page

api = pytest.importorskip("playwright.sync_api")

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
PHONE, DESK = 390, 1280
PAPER = 718  # the width of A4 between its margins
CONTRAST = """() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0.9) return light(color);
    }
    return 1;
  };
  const faint = [];
  const seen = document.querySelectorAll("h1, h1 *, h2, p, li, td, th, summary, code, svg text");
  for (const node of seen) {
    if (!node.getClientRects().length || !node.textContent.trim()) continue;
    const style = getComputedStyle(node);
    const ink = light(parse(node instanceof SVGElement ? style.fill : style.color));
    const [low, high] = [ink, ground(node)].sort((a, b) => a - b);
    if ((high + 0.05) / (low + 0.05) < 4.5) faint.push(node.textContent.slice(0, 40));
  }
  return faint;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with api.sync_playwright() as tool:
        started = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with everything that a page can have."""
    made = tmp_path_factory.mktemp("page") / "report.html"
    settings = {"trainer": {"learning_rate": 0.001}, "peft": {"r": 16}}
    made.write_text(page(told(data=audit("<end>"), config=settings)), "utf-8")
    return made


class Opened:
    """The page in a window of its own, with what it said and asked for meanwhile."""

    def __init__(self, browser: Any, file: Path, width: int, scheme: str = "light") -> None:
        size = {"width": width, "height": 900}
        self.page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_renders_without_errors_and_asks_for_nothing_but_itself(
    browser: Any, file: Path, width: int
) -> None:
    opened = Opened(browser, file, width)
    assert opened.page.title().startswith("quickstart: ")
    assert opened.page.inner_text("h1").startswith("Better than the base:")
    assert opened.said == []
    assert opened.asked == [file.as_uri()]


@pytest.mark.parametrize("width", [320, PHONE, 700, DESK])
def test_nothing_makes_it_wider_than_its_window(browser: Any, file: Path, width: int) -> None:
    opened = Opened(browser, file, width)
    opened.page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_charts_are_there_with_lines_in_their_colors(
    browser: Any, file: Path, width: int
) -> None:
    seen = Opened(browser, file, width).page
    charts = [each for each in seen.query_selector_all("svg.chart") if each.is_visible()]
    assert len(charts) == len(seen.query_selector_all("figure")) >= 3
    for chart in charts:
        box = chart.bounding_box()
        assert 200 < box["width"] <= width
        assert box["height"] > 100
        assert chart.get_attribute("aria-label")
    drawn = seen.evaluate("""() => [...document.querySelectorAll("svg.chart path")]
      .filter((path) => getComputedStyle(path).stroke === getComputedStyle(
        Object.assign(document.body.appendChild(document.createElement("i")),
          {style: "color: var(--tuned)"})).color && path.getTotalLength() > 50).length""")
    assert drawn >= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_everything_can_be_read_in_light_and_in_the_dark(
    browser: Any, file: Path, scheme: str, width: int
) -> None:
    seen = Opened(browser, file, width, scheme).page
    ground = seen.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 23, 26)") is (scheme == "dark")
    assert seen.evaluate(CONTRAST) == []


def test_a_long_name_of_an_earlier_run_pushes_nothing_out_of_its_table(
    browser: Any, tmp_path: Path
) -> None:
    hits = {"base": 0, "tuned": 34, "support-bot/2026-11-22_10-00-00": 30}
    made = tmp_path / "report.html"
    made.write_text(page(told(suites=[qa(**hits)])), "utf-8")
    seen = Opened(browser, made, DESK).page
    wide = """() => [...document.querySelectorAll(".scroll")]
      .filter((each) => each.querySelector(".compare") && each.scrollWidth > each.clientWidth)"""
    assert seen.evaluate(f"({wide})().length") == 0
    assert "support-bot/2026-11-22_10-00-00" in seen.inner_text("main")


def test_a_phone_shows_the_table_a_metric_at_a_time(browser: Any, file: Path) -> None:
    seen = Opened(browser, file, PHONE).page
    table = seen.query_selector("table.compare")
    assert table.bounding_box()["width"] <= PHONE
    assert "exact match" in table.inner_text().lower()
    assert not seen.query_selector("table.compare thead").is_visible()


def test_it_can_be_printed(browser: Any, file: Path, tmp_path: Path) -> None:
    seen = Opened(browser, file, DESK, "dark").page
    printed = seen.pdf(path=tmp_path / "a.pdf", format="A4")
    assert printed.startswith(b"%PDF")
    assert len(printed) > 20_000


def test_on_paper_it_is_light_and_its_table_is_whole(browser: Any, file: Path) -> None:
    seen = Opened(browser, file, PAPER, "dark").page
    seen.emulate_media(media="print")
    assert seen.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 250, 248)"
    whole = "[...document.querySelectorAll('.scroll')].every((e) => e.scrollWidth <= e.clientWidth)"
    assert seen.evaluate(whole)
    names = seen.query_selector_all("table.compare th[scope=row]")
    assert max(name.bounding_box()["height"] for name in names) < 60
