"""Charts are still pictures in the page's own colors, with their values in words beside them."""

import re
from html.parser import HTMLParser

from ftrecipe.page.charts import Line, figure, spaced, thinned

EVIL = "<script>alert('x')</script> & \"quotes\""


class Tags(HTMLParser):
    """Checks that every tag is closed where it should be, and keeps what there is of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_chart_says_its_values_in_words_and_in_a_table() -> None:
    text = figure("Loss", [Line("training", "tuned", [(1, 4.0), (2, 3.0)])])
    assert text.count('role="img" aria-label="Loss: training from 4 to 3"') == 2
    assert "<summary>Values</summary>" in text
    assert "<tr><td>2</td><td>3</td></tr>" in text


def test_a_chart_has_the_colors_of_the_page_and_loads_nothing() -> None:
    text = figure(
        "Loss", [Line("a", "tuned", [(1, 4.0), (2, 3.0)]), Line("b", "other", [(1, 2.0)])]
    )
    assert {"var(--tuned)", "var(--other)", "var(--line)"} <= set(re.findall(r"var\(--\w+\)", text))
    assert not re.search(r"href|url\(|@import|<script|<style|<image|onclick|#[0-9a-f]{3,6}\b", text)


def test_a_chart_is_drawn_for_a_screen_and_for_a_phone() -> None:
    boxes = re.findall(r'class="chart (\w+)" viewBox="0 0 (\d+) (\d+)"',
                       figure("Loss", [Line("a", "tuned", [(1, 4.0), (9, 3.0)])]))  # fmt: skip
    assert [(name, int(width)) for name, width, _ in boxes] == [("wide", 920), ("phone", 345)]


def test_names_of_lines_cannot_be_markup() -> None:
    found = Tags(figure(EVIL, [Line(EVIL, "tuned", [(1, 4.0), (2, 1.0)])] * 2, x_title=EVIL))
    assert "script" not in {tag for tag, _ in found.seen}


def test_one_point_or_a_flat_line_can_be_drawn() -> None:
    for points in ([(5, 0.0)], [(1, 2.0), (2, 2.0)], [(1, 1e-30), (2, 1e30)]):
        text = figure("Loss", [Line("a", "tuned", points)])
        Tags(text)
        assert "NaN" not in text


def test_what_is_no_number_is_left_out_and_nothing_is_no_figure() -> None:
    nan = float("nan")
    assert "from 2 to 1" in figure("Loss", [Line("a", "tuned", [(1, 2.0), (2, nan), (3, 1.0)])])
    assert figure("Loss", [Line("a", "tuned", [(1, nan)])]) == ""
    assert figure("Loss", []) == ""


def test_long_lines_are_thinned_to_means_and_tables_keep_both_ends() -> None:
    points = [(float(at), 1.0) for at in range(10_000)]
    assert len(thinned(points)) <= 300
    assert {y for _, y in thinned(points)} == {1.0}
    kept = spaced(points)
    assert len(kept) <= 41
    assert (kept[0], kept[-1]) == (points[0], points[-1])
