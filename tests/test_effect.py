"""A value that nothing would read is a fault: fields declare what they have an effect with."""

from dataclasses import dataclass
from enum import Enum

import pytest

from ftrecipe.compose import compose
from ftrecipe.config import GROUPS
from ftrecipe.errors import RuleError
from ftrecipe.nested import without_effect
from ftrecipe.registry import bounded, never_with, only_with


class Style(Enum):
    plain = "plain"
    hashed = "hashed"


@dataclass
class Option:
    path: str | None = None
    style: Style = Style.plain
    format: str = only_with("path", "auto")
    split: str = never_with("path", "test")
    key: str | None = only_with("style=hashed", None)
    top: float = only_with("warm", bounded(1.0, 0, 1), "heat")

    @property
    def warm(self) -> bool:
        return self.style is Style.hashed


def test_a_default_has_no_need_of_an_effect() -> None:
    assert without_effect(Option(), "x") == []


def test_a_field_that_needs_another_names_it() -> None:
    assert without_effect(Option(format="csv"), "x") == [
        "format=csv: has no effect without x.path; set that too, or leave this out"
    ]
    assert without_effect(Option(format="csv", path="a"), "x") == []


def test_a_field_may_need_a_value_or_a_property_of_its_neighbors() -> None:
    told = without_effect(Option(key="k", top=0.5), "x")
    assert [fault.split(" without ")[1] for fault in told] == [
        "x.style=hashed; set that too, or leave this out",
        "heat; set that too, or leave this out",
    ]
    assert without_effect(Option(key="k", top=0.5, style=Style.hashed), "x") == []


def test_a_field_that_another_replaces_is_told() -> None:
    assert without_effect(Option(split="train", path="a"), "x") == [
        "split=train: has no effect beside x.path; leave one of them out"
    ]


def test_bounds_stay_with_a_field_that_needs_another() -> None:
    top = Option.__dataclass_fields__["top"].metadata
    assert (top["low"], top["high"]) == (0, 1)


@pytest.mark.parametrize(
    "word",
    [
        "eval.qa.format=csv_json", "eval.qa.columns={question: q}", "eval.qa.top_p=0.5",
        "eval.qa.seed=3", "trainer.eval_samples=3", "trainer.early_stopping_threshold=0.1",
        "model.from_run_as=merged", "dataset.subset=x", "hardware.main_process_ip=10.0.0.1",
    ],
)  # fmt: skip
def test_what_would_be_ignored_is_refused(word: str, faq: str) -> None:
    with pytest.raises(RuleError, match="has no effect without"):
        compose([f"dataset={faq}", word])


def test_what_would_be_ignored_inside_of_a_mix_is_refused(faq: str) -> None:
    sources = f"{{a:{{path:{faq},hub_split:x,cleaning:[{{personal_data:{{language:de}}}}]}}}}"
    with pytest.raises(RuleError) as refused:
        compose(["dataset=mix", f"dataset.sources={sources}"])
    assert [fault.partition(":")[0] for fault in refused.value.faults] == [
        "dataset.sources.a.hub_split=x", "dataset.sources.a.cleaning.personal_data.language=de",
    ]  # fmt: skip


def test_what_is_declared_to_be_needed_is_there() -> None:
    for group in GROUPS.values():
        for kind in group.classes.values():
            for item in kind.__dataclass_fields__.values():
                facts = item.metadata
                for name in (facts.get("only_with", ""), facts.get("never_with", "")):
                    assert not name or hasattr(kind(), name.partition("=")[0])
