"""The whole page and the whole text: sound, small and harmless, whatever a story holds."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from stories import forgetting, qa, qa_rows, suite

from ftrecipe.components.eval.qa import Qa
from ftrecipe.stages.page import page
from ftrecipe.stages.page.markdown import cell, markdown
from ftrecipe.stages.page.opening import TOY
from ftrecipe.stages.page.settings import Setting
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.usage import Usage

EVIL = "<script>alert('x')</script> & \"quotes\" \x1b[31m \u202e \ud800 | `c` ${x:y}"
VOID = {"meta"}


class Balanced(HTMLParser):
    """Checks that every tag is closed where it should be, and keeps what the page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str | None] = []
        self.tags: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def told(**other: Any) -> Story:
    """Return the story of a run that went well and forgot a little."""
    history = [{"step": at, "loss": 4 - at / 10, "learning_rate": 1e-3} for at in range(1, 21)]
    history += [{"step": at, "eval_loss": 4 - at / 9, "eval.qa.exact_match": 4.0 * at}
                for at in (10, 20)]  # fmt: skip
    plain: dict[str, Any] = {
        "suites": [forgetting(2.0, 2.5), qa(base=0, tuned=34, few_shot=30)],
        "gate": {"passed": False, "conditions": [
            {"condition": "qa.f1 >= 99", "passed": False, "reason": "85 % is below it"}]},
        "shots": 3,
        "train": {"loss": 0.5, "seconds": 30.0, "steps": 20, "processes": 1, "best_step": 10},
        "history": history,
        "choices": {"model": "tiny", "eval": ["qa", "forgetting"]},
        "config": {"model": {"type": "custom", "path": "builtin:tiny"}},
        "settings": [Setting("trainer.learning_rate", "0.003", "null")],
        "recipe": "seed: 1\n",
        "usages": [Usage("Measure it again", "python -m ftrecipe evaluate runs/quickstart/1")],
    }  # fmt: skip
    return Story("quickstart", "runs/quickstart/1", **plain | other)


def audit(text: str = "careful") -> dict[str, Any]:
    split = {"rows": 9, "total": 1200, "supervised": 800}
    pieces = [{"kind": "context", "trained": False, "count": 1, "tokens": ["why?"]},
              {"kind": "special", "trained": True, "count": 1, "tokens": [text]}]  # fmt: skip
    sample = {"where": text, "length": 2, "supervised": 1, "cut": 0, "pieces": pieces}
    return {"warnings": [text], "tokens": {"train": split}, "masked_share": 0.25,
            "dropped": {"length": 2}, "sources": [{"rows_read": 12, "rows_malformed": 1}],
            "contamination": {}, "samples": [sample]}  # fmt: skip


def test_the_page_is_one_balanced_file_that_loads_nothing() -> None:
    parsed = Balanced(page(told()))
    assert parsed.loads == []
    assert not parsed.tags & {"script", "link", "img", "iframe", "object", "style"} - {"style"}
    assert {"svg", "table", "h1"} <= parsed.tags


def test_every_part_of_the_page_is_there() -> None:
    heads = re.findall(r"<h2>([^<]+)", page(told(data=audit(), files=[("adapter/", 9)])))
    assert heads == [
        "Before and after", "What to try next", "While it trained",
        "Where it got better, and where worse", "Answers at random", "The data", "Use it",
        "The configuration", "Files",
    ]  # fmt: skip


def test_everything_that_comes_from_outside_is_harmless() -> None:
    rows = {"base": qa_rows(["x"] * 9), "tuned": qa_rows([EVIL] * 9)}
    for row in [*rows["base"], *rows["tuned"]]:
        row["question"], row["expected"] = EVIL, [EVIL]
    evil = told(
        suites=[suite(Qa(), rows, EVIL, EVIL), qa(base=0, tuned=9, **{EVIL: 3})],
        description=EVIL,
        gate={
            "passed": False,
            "conditions": [{"condition": EVIL, "passed": False, "reason": EVIL}],
        },
        choices={"model": EVIL, EVIL: EVIL},
        config={EVIL: {EVIL: EVIL}},
        settings=[Setting(EVIL, EVIL, EVIL)],
        files=[(EVIL, 1)],
        data=audit(EVIL),
    )
    for text in (page(evil), markdown(evil)):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
        text.encode()
    assert "script" not in Balanced(page(evil)).tags
    assert "<script" not in page(evil)
    unescaped = re.sub(r"\\.", "", markdown(evil))
    assert "<script" not in re.sub(r"`[^`]*`", "", unescaped)


def test_a_huge_run_has_a_small_page_soon() -> None:
    long, short = qa_rows(["word " * 4000 + "more", "right"])
    asked = [{"where": f"row {at}", "question": f"{at} what? " * 99} for at in range(10_000)]
    rows = {
        "base": [long | each for each in asked],
        "tuned": [(long, short)[at % 2] | each for at, each in enumerate(asked)],
    }
    huge = Story("huge", "f", suites=[replace(qa(base=0, tuned=9), rows=rows)])
    started = time.process_time()
    sizes = [len(write(huge).encode()) for write in (page, markdown)]
    assert max(sizes) < 300_000
    assert time.process_time() - started < 5


def test_the_data_shows_its_splits_what_was_left_out_and_the_tokens_of_one_row() -> None:
    text = page(told(data=audit("<end>")))
    assert "<td>train</td><td>9</td><td>1,200</td><td>800</td>" in text
    assert "25% of the tokens are masked: read, not learned. 3 of 12 rows were left out." in text
    assert '<span class="t-context"><i>why?</i></span>' in text
    assert '<span class="t-special is-trained"><i>&lt;end&gt;</i></span>' in text


def test_the_table_says_better_and_worse_in_words_with_the_interval() -> None:
    text = page(told())
    assert '<td class="worse">▼ worse</td>' in text
    assert '<td class="better">▲ better</td>' in text
    assert re.search(r'<span class="nums">\+[\d.]+ to \+[\d.]+</span>', text)


def test_what_is_not_real_is_called_neither_better_nor_worse() -> None:
    text = page(told(suites=[qa(base=20, tuned=21)]))
    assert '<td class="even">no real change</td>' in text
    assert "▲" not in text


def test_the_gate_comes_before_the_verdict_with_its_reason() -> None:
    text = page(told())
    assert text.index("The gate failed.") < text.index("<h1>")
    assert "85 % is below it" in text
    short = markdown(told())
    assert short.index("The gate failed.") < short.index("Better than the base")


def test_every_baseline_has_a_table_of_its_own() -> None:
    assert "Against <b>the base with 3 examples in its prompt</b>" in page(told())
    assert "<summary>Against the base with 3 examples in its prompt</summary>" in markdown(told())


@pytest.mark.parametrize(
    "suites",
    [
        [],
        [qa(base=4)],
        [qa(tuned=4)],
        [replace(qa(base=0, tuned=9), changes={})],
        [replace(qa(base=0, tuned=9), rows={})],
        [forgetting(2.0, float("nan"))],
        [forgetting(2.0, float("inf"))],
    ],
)
def test_a_run_that_lacks_something_has_a_sound_page(suites: list[Any]) -> None:
    for plain in (Story("r", "f", suites=suites), told(suites=suites, gate=None, train={})):
        Balanced(page(plain))
        assert markdown(plain).startswith("# ")


def test_curves_are_drawn_for_losses_and_for_metrics_that_were_measured_meanwhile() -> None:
    text = page(told())
    assert "Loss; the weights of step 10 were kept" in text
    assert "Exact match, % · qa, on a sample" in text
    assert 'aria-label="Learning rate: learning rate from 0.001 to 0.001"' in text


def test_a_toy_says_that_it_is_one() -> None:
    assert "toy model" in page(told(toy=True))
    assert "toy model" in markdown(told(toy=True))
    assert TOY not in page(told())


def test_a_cell_of_markdown_cannot_break_its_table_or_be_markup() -> None:
    assert cell("a | b\n`c` <b> *x* @you #1") == (
        r"a \| b \`c\` \<b\> \*x\* <span>@</span>you <span>#</span>1"
    )
    assert cell(r"# 5 a@b $x \$ \#2") == (
        r"\# 5 a<span>@</span>b <span>$</span>x \\<span>$</span> \\<span>#</span>2"
    )


def test_the_markdown_is_tables_that_github_can_fold() -> None:
    text = markdown(told())
    assert text.count("<details>") == text.count("</details>") >= 4
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_the_words_to_type_are_code() -> None:
    assert "<code>trainer.eval_steps=" in page(told(data=None)) or "<code>" in page(told())
    assert "`peft" in markdown(told(config={"peft": {"r": 8}, "trainer": {}}))


def test_colors_are_named_once_for_light_and_once_for_dark() -> None:
    style = page(told())
    light, dark = (set(re.findall(r"(--\w+):", part)) for part in style.split("@media", 2)[:2])
    assert light == dark
