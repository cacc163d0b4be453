"""The verb `help`: what to do next."""

from ftrecipe import verbs

FIRST = """\
ftrecipe fine-tunes language models from composed recipes.

  python -m ftrecipe +recipe=quickstart             teach the embedded tiny model a FAQ: no GPU,
                                                    no network, about a minute
  python -m ftrecipe plan +recipe=qlora_mistral     what a 7B QLoRA run would do
  python -m ftrecipe dataset=faq.csv model=smollm2_135m     your own data
  python -m ftrecipe recipes                        the recipes there are
  python -m ftrecipe evaluate +recipe=quickstart    how good the base is, before any training
  python -m ftrecipe runs                           what was run, and how good it is
  python -m ftrecipe chat quickstart                talk to what was trained

Exit codes: 0 done, 1 failed, 2 refused, 3 done and the gate failed, 130 stopped.
key=value is configuration, --flag belongs to the verb. Verbs (without one it is run):
"""


def help(words: list[str]) -> int:
    """Say what a verb does, or what there is to do."""
    if words:
        verbs.must_exist(words[0])
        print(verbs.docstring(words[0]))
        return 0
    print(FIRST)
    for name in verbs.NAMES:
        print(f"  {name:<10}{verbs.summary(name)}")
    return 0
