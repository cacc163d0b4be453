"""Chat templates that would do more than write a conversation are found by their text."""

import importlib.util
from pathlib import Path

import pytest

from ftrecipe.data.tokens.templates import TEMPLATES
from ftrecipe.rules.jinja import faults

# Templates of real models come with TRL; it is looked for, not imported.
TRL = importlib.util.find_spec("trl")
REAL = sorted(Path(str(TRL.origin)).parent.rglob("*.jinja")) if TRL else []

REFUSED = {
    "{% include '/etc/passwd' %}": "include reads other files",
    "{%- import 'x' as y %}": "import reads other files",
    "{%+ extends 'x' %}": "extends reads other files",
    "{% for i in range(99999) %}x{% endfor %}": "counts to 99999",
    "{{ 'a' * 1_000_000 }}": "counts to 1_000_000",
    "{{ 2 ** 99 }}": "numbers of any size",
    "{% for i in range(9999) %}{% for j in range(9999) %}x": "repeats within repeats",
    "{{ 'x' * 9999 * 9999 }}": "repeats within repeats",
    "{{ '%999999999s' % 'x' }}": "pads to 999999999 characters",
    "{{ '{:>999999999}'.format('x') }}": "pads to 999999999 characters",
    "{{ ''.__class__ }}": "reach into Python",
    "{{ ''['__class__'] }}": "reach into Python",
    "{{ ''|attr('__class__') }}": "reach into Python",
    "{% set x = x ~ x %}": "x is put together with itself",
    "{%- set ns.x = ns.x + ns.x %}": "ns.x is put together with itself",
    "{% for a in m %}{%- for b in a %}{% for c in b %}{% for d in c %}": "more than 3 deep",
}


@pytest.mark.parametrize("template", REFUSED)
def test_a_template_that_does_more_than_write_is_refused(template: str) -> None:
    assert any(REFUSED[template] in fault for fault in faults(template))


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_our_templates_only_write(name: str) -> None:
    assert list(faults(TEMPLATES[name])) == []


def test_the_templates_of_real_models_only_write() -> None:
    assert len(REAL) > 50
    assert [file.name for file in REAL if list(faults(file.read_text("utf-8")))] == []


def test_text_is_no_code() -> None:
    assert list(faults("__ ** include 99999 {{ 'use ** or 99999' }}")) == []
