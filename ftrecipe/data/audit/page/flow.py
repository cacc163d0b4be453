"""The way of the rows: how many were read, what each rule left out, and where the rest went."""

from collections import Counter
from typing import Any

from ftrecipe.amounts import many
from ftrecipe.data.split import SPLITS
from ftrecipe.page.bars import Bar, bars, share

Report = dict[str, Any]

# Rules that no cleaning step has: each leaves out an example that was already made.
NAMES = {
    "template": "refused by the template",
    "unsupervised": "nothing to learn in it",
    "overlong": "too long",
}


def section(report: Report) -> str:
    """The funnel from rows read to examples in their splits."""
    flow = Flow(report)
    return f'<h2>From rows to examples</h2><div class="panel">{flow.drawn()}</div>'


class Flow:
    """Counts at each station: rows until examples are made of them, then examples."""

    def __init__(self, report: Report) -> None:
        self.read, self.malformed, self.used = (
            sum(source[key] for source in report["sources"])
            for key in ("rows_read", "rows_malformed", "rows_used")
        )
        self.early, self.late = early_drops(report), late_drops(report)
        self.examples = report["examples"]
        self.kept = sum(self.examples.values())
        self.made = self.kept + sum(self.late.values())
        chats = any("senders" in source for source in report["sources"])
        self.unit = "entries" if chats else "rows"

    def drawn(self) -> str:
        """Return the funnel; in two parts where a row is not an example."""
        rows: list[Bar | str] = [_total(f"{self.unit} read", self.read, self.read, "read")]
        rows += _falls({"malformed": self.malformed, **self.early}, self.read, self.read)
        if self.made == self.used:
            rows += _falls(self.late, self.used, self.read)
            return bars([*rows, *self._ends(self.read)], self.read)
        rows.append(_total("used", self.used, self.read, "kept"))
        said = f"{self.used:,} {self.unit} became {many(self.made, 'example')}"
        examples: list[Bar | str] = [said, _total("examples", self.made, self.made, "kept")]
        examples += _falls(self.late, self.made, self.made)
        return bars(rows, self.read) + bars([*examples, *self._ends(self.made)], self.made)

    def _ends(self, whole: int) -> list[Bar | str]:
        lines: list[Bar | str] = [_total("kept", self.kept, whole, "kept")]
        before = 0
        for split in SPLITS:
            count = self.examples[split]
            parts = [("", before), (split, count)]
            lines.append(Bar(split, parts, f"{count:,}", share(count, self.kept)))
            before += count
        return lines


def late_drops(report: Report) -> dict[str, int]:
    """Return by rule what was left out once it was an example."""
    found = Counter[str]()
    for step in report["cleaning"]:
        found[step["step"]] += step["dropped_examples"]
    found.update({rule: report["dropped"].get(rule, 0) for rule in NAMES})
    return {rule: count for rule, count in found.items() if count}


def early_drops(report: Report) -> dict[str, int]:
    """Return by rule what was left out before examples were made, cleaning steps first."""
    steps = [step["step"] for step in report["cleaning"] if step["step"] in report["dropped"]]
    late = late_drops(report)
    ordered = dict.fromkeys([*steps, *report["dropped"]])
    early = {rule: report["dropped"][rule] - late.get(rule, 0) for rule in ordered}
    return {rule: count for rule, count in early.items() if count > 0}


def _total(label: str, count: int, whole: int, fill: str) -> Bar:
    return Bar(label, [(fill, count)], f"{count:,}", share(count, whole), "total")


def _falls(dropped: dict[str, int], left: int, whole: int) -> list[Bar | str]:
    """Return a line for each rule: what it took away of what was left before it."""
    lines: list[Bar | str] = []
    for rule, count in dropped.items():
        if count:
            left -= count
            fill = "malformed" if rule == "malformed" else "dropped"
            said = f"− {NAMES.get(rule, rule)}"
            parts = [("kept", left), (fill, count)]
            lines.append(Bar(said, parts, f"−{count:,}", share(count, whole), "soft"))
    return lines
