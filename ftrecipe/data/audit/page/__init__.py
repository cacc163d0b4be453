"""The page of the data audit: one self-contained HTML file, from report.json alone."""

from typing import Any

from ftrecipe.data.audit.page import cleaning, content, flow, lengths, samples, sources, verdict
from ftrecipe.page import sheet

ORDER = (
    verdict.opening,
    flow.section,
    samples.section,
    lengths.section,
    cleaning.section,
    content.section,
    sources.section,
)


def data_page(report: dict[str, Any], name: str, source: str) -> str:
    """Return the whole page; it loads nothing and runs nothing.

    `report` is report.json with what `schedule` says; `source` is where the run's files lie.
    """
    body = "\n".join(part for section in ORDER if (part := section(report)))
    headline = f'<p class="kicker"><b>{verdict.escape(name)}</b> · the data, before training</p>'
    return sheet(f"{name}: {verdict.headline(report)}", headline + body, source)
