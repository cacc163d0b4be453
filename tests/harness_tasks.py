"""Three tasks of lm-evaluation-harness and their data, written where a test wants them."""

import json
from pathlib import Path

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

CHOICE = """\
task: next_number
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "After {{{{number}}}} comes"
doc_to_choice: ["{{{{next}}}}", "{{{{number}}}}", banana]
doc_to_target: "{{{{at % 3}}}}"
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""
WRITTEN = """\
task: write_number
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
fewshot_split: test
num_fewshot: 2
output_type: generate_until
doc_to_text: "Q: What comes after {{{{number}}}}?\\nA:"
doc_to_target: "{{{{next}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 8, do_sample: false}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""
LIKELIHOOD = """\
task: likely_number
tag: numbers
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: loglikelihood
doc_to_text: "After {{{{number}}}} comes"
doc_to_target: " {{{{next}}}}"
metric_list: [{{metric: perplexity}}, {{metric: acc}}]
"""
TASKS = ["next_number", "write_number", "likely_number"]


def write_tasks(folder: Path) -> Path:
    """Write data and task files into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "numbers.jsonl"
    after = [*NUMBERS[1:], "eleven"]
    rows = [{"number": n, "next": m, "at": at} for at, (n, m) in enumerate(zip(NUMBERS, after))]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    for name, text in zip(TASKS, (CHOICE, WRITTEN, LIKELIHOOD), strict=True):
        (folder / f"{name}.yaml").write_text(text.format(data=data), "utf-8")
    return folder
