"""What a finished run shows of itself for others."""

from typing import Any, cast

from ftrecipe.exchange.evidence import Evidence

UNUSED = cast(Any, None)


def test_values_without_their_secret_are_known_but_for_what_a_team_keeps() -> None:
    config = {
        "dataset": {"path": "https://bob:[redacted]@host/faq.csv", "system": "Be brief."},
        "tracking": {"tracking_uri": "https://bob:[redacted]@mlflow"},
        "description": "with [redacted]",
    }
    found = Evidence({"config": config}, UNUSED, {}, {}, {}, None).sealed()
    assert found == {"dataset.path": "https://bob:[redacted]@host/faq.csv"}
