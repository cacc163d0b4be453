"""The verb `score`: answers that are there already, by any suite that judges answers; no model."""

import csv
import json
from pathlib import Path

import pytest

from ftrecipe.components.eval import Completion
from ftrecipe.components.eval.generation import Generation
from ftrecipe.components.eval.qa import Qa
from ftrecipe.results import write
from ftrecipe.rundir import RunDir

SQUAD = Path(__file__).parents[2] / "shared" / "data" / "eval-squad"
GOLD = {"q1": ["Ada Lovelace", "Lovelace"], "q2": ["1843"], "q3": ["London"]}
SAID = {"q1": "the Lovelace", "q2": "in 1843", "q3": "Paris"}
EXACT, F1 = pytest.approx(100 / 3), pytest.approx(500 / 9)


def dataset(golds, version="1.1"):
    asked = [
        {"id": key, "question": f"{key}?", "answers": [{"text": text} for text in texts]}
        for key, texts in golds.items()
    ]
    return {
        "version": version,
        "data": [{"title": "t", "paragraphs": [{"context": "", "qas": asked}]}],
    }


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def files(here):
    (here / "gold.json").write_text(json.dumps(dataset(GOLD)))
    (here / "said.json").write_text(json.dumps(SAID))
    return here


@pytest.fixture
def numbers(files, cli):
    """Score and return the object that --json prints."""

    def run(*words, suite="qa"):
        said = cli("score", f"eval={suite}", *words, "--json")
        assert said.code == 0, said.err
        assert len(said.out.splitlines()) == 1
        return json.loads(said.out)

    return run


def of(file, references="gold.json"):
    return ["--predictions", str(file), "--references", str(references)]


def test_squads_own_files_are_scored_and_printed_as_one_object(numbers):
    assert numbers(*of("said.json")) == {"exact_match": EXACT, "f1": F1, "n": 3, "missing": 0}


@pytest.mark.skipif(not SQUAD.is_dir(), reason="shared/data is not here")
def test_scores_of_berts_predictions_equal_the_official_script(numbers):
    found = numbers(*of(SQUAD / "pred_bert_ensemble_dev-v1.1.json", SQUAD / "xquad.en.json"))
    assert (round(found["exact_match"], 4), round(found["f1"], 4)) == (74.8739, 86.3247)
    assert (found["n"], found["missing"]) == (1190, 0)
    assert list(found) == ["exact_match", "f1", "n", "missing"]


@pytest.mark.parametrize("column", ["prediction", "output", "answer", "text", "Generated_Text"])
def test_rows_with_an_id_and_an_answer_are_read(column, numbers, files):
    rows = [{"id": key, column: text} for key, text in reversed(SAID.items())]
    (files / "said.jsonl").write_text(lines(rows))
    assert numbers(*of("said.jsonl"))["f1"] == F1
    (files / "rows.json").write_text(json.dumps(rows))
    assert numbers(*of("rows.json"))["f1"] == F1


def test_a_prediction_goes_before_the_answer_that_was_expected(numbers, files):
    rows = [{"id": key, "answer": GOLD[key][0], "prediction": text} for key, text in SAID.items()]
    (files / "said.jsonl").write_text(lines(rows))
    assert numbers(*of("said.jsonl"))["f1"] == F1
    assert numbers(*of("said.jsonl"), "--column", "answer")["f1"] == 100
    found = numbers(*of("said.jsonl"), "--against-column", "answer")
    assert found["against"]["f1"] == 100


@pytest.mark.parametrize(("name", "mark"), [("said.csv", ","), ("said.tsv", "\t")])
def test_tables_are_read(name, mark, numbers, files):
    with (files / name).open("w", newline="") as file:
        csv.writer(file, delimiter=mark).writerows([("qid", "mine"), *SAID.items()])
    assert numbers(*of(name), "--column", "mine")["f1"] == F1


def test_parquet_is_read(numbers, files):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"id": list(SAID), "response": list(SAID.values())})
    parquet.write_table(table, files / "said.parquet")
    assert numbers(*of("said.parquet"))["f1"] == F1


def test_lines_are_paired_by_order_and_empty_ones_are_answers(numbers, files):
    (files / "said.txt").write_text("the Lovelace\r\n\r\nParis\r\n", newline="")
    found = numbers(*of("said.txt"))
    assert (found["n"], found["missing"], found["exact_match"]) == (3, 0, EXACT)


def test_a_file_of_no_known_ending_is_what_its_first_line_is(numbers, files):
    (files / "said.out").write_text("the Lovelace\nin 1843\nParis\n")
    assert numbers(*of("said.out"))["f1"] == F1
    (files / "said").write_text(lines({"id": key, "text": text} for key, text in SAID.items()))
    assert numbers(*of("said"))["f1"] == F1


def test_a_line_of_text_may_hold_any_separator_of_unicode(numbers, files):
    (files / "said.txt").write_text("the Love\u2028lace\nx\u0085y\nParis", "utf-8")
    assert numbers(*of("said.txt"))["n"] == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("map.json", json.dumps(GOLD)),
        ("deep.json", json.dumps({key: {"answers": texts} for key, texts in GOLD.items()})),
        ("rows.jsonl", lines({"id": key, "references": texts} for key, texts in GOLD.items())),
        (
            "hub.jsonl",
            lines({"id": key, "answers": {"text": texts}} for key, texts in GOLD.items()),
        ),
    ],
)
def test_references_come_in_many_shapes(name, text, numbers, files):
    (files / name).write_text(text)
    assert numbers(*of("said.json", name))["f1"] == F1


def test_references_of_one_answer_a_line_are_read(numbers, files):
    (files / "gold.txt").write_text("Lovelace\n1843\nLondon\n")
    assert numbers(*of("said.json", "gold.txt"))["f1"] == F1


def test_a_table_may_hold_lists_of_answers_as_text(numbers, files):
    with (files / "gold.csv").open("w", newline="") as file:
        rows = [(key, json.dumps(texts)) for key, texts in GOLD.items()]
        csv.writer(file).writerows([("id", "answers"), *rows])
    assert numbers(*of("said.json", "gold.csv"))["f1"] == F1
    (files / "gold.csv").write_text('id,answer\nq1,"[""a""]"\n')
    (files / "one.json").write_text(json.dumps({"q1": '["a"]'}))
    assert numbers(*of("one.json", "gold.csv"))["exact_match"] == 100


def test_any_dataset_format_has_references(numbers, files):
    rows = [
        {"messages": [{"role": "user", "content": key},
                      {"role": "assistant", "content": texts[-1]}]}
        for key, texts in GOLD.items()
    ]  # fmt: skip
    (files / "chat.jsonl").write_text(lines(rows))
    assert numbers(*of("said.json", "chat.jsonl"))["f1"] == F1
    assert numbers(*of("said.json", "chat.jsonl"), "dataset=messages")["f1"] == F1
    found = numbers("--predictions", "said.json", "dataset=messages", "dataset.path=chat.jsonl")
    assert found["f1"] == F1


def test_the_rows_of_a_dataset_format_keep_their_ids(numbers, files):
    rows = [
        {"id": key, "messages": [{"role": "user", "content": key},
                                 {"role": "assistant", "content": GOLD[key][-1]}]}
        for key in ("q3", "q1", "q2")
    ]  # fmt: skip
    (files / "chat.jsonl").write_text(lines(rows))
    assert numbers(*of("said.json", "chat.jsonl"))["f1"] == F1


def test_a_column_of_another_name_is_mapped_as_in_any_dataset(numbers, files):
    with (files / "gold.csv").open("w", newline="") as file:
        rows = [(key, texts[-1]) for key, texts in GOLD.items()]
        csv.writer(file).writerows([("asked", "right"), *rows])
    words = ["dataset=question_answer", "dataset.columns.question=asked"]
    found = numbers(*of("said.json", "gold.csv"), *words, "dataset.columns.answer=right")
    assert found["f1"] == F1


def test_a_question_without_a_prediction_is_wrong_counted_and_named(numbers, files, cli):
    (files / "part.json").write_text(json.dumps({"q1": "Lovelace", "q3": None, "q9": "x"}))
    assert numbers(*of("part.json")) == {
        "exact_match": EXACT, "f1": pytest.approx(100 / 3), "n": 3, "missing": 2,
    }  # fmt: skip
    told = cli("score", "eval=qa", *of("part.json")).out
    assert "missing    part.json: 2 questions without an answer, wrong: q2, q3\n" in told
    assert "unused     part.json: 1 answer to no question\n" in told


def test_questions_without_an_answer_have_numbers_of_their_own(numbers, files, cli):
    (files / "v2.json").write_text(json.dumps(dataset(GOLD | {"q4": [], "q5": []}, "v2.0")))
    (files / "more.json").write_text(json.dumps(SAID | {"q4": "", "q5": "Rome"}))
    found = numbers(*of("more.json", "v2.json"))
    assert found["exact_match.answerable"] == EXACT
    assert found["exact_match.unanswerable"] == 50
    assert (found["n.answerable"], found["n.unanswerable"], found["n"]) == (3, 2, 5)
    told = cli("score", "eval=qa", *of("more.json", "v2.json")).out
    assert "qa: 5 questions (3 answerable, 2 unanswerable)" in told


def test_what_is_impossible_has_no_answer_whatever_is_plausible(numbers, files):
    asked = dataset({"q1": ["x"]}, "v2.0")
    asked["data"][0]["paragraphs"][0]["qas"][0]["is_impossible"] = True
    (files / "v2.json").write_text(json.dumps(asked))
    (files / "none.json").write_text('{"q1": ""}')
    assert numbers(*of("none.json", "v2.json"))["f1"] == 100


def test_values_of_the_suite_are_set_as_in_a_run(numbers, files):
    (files / "v2.json").write_text(json.dumps(dataset({"q1": []}, "v2.0")))
    (files / "none.json").write_text('{"q1": "nobody knows"}')
    assert numbers(*of("none.json", "v2.json"))["f1"] == 0
    assert numbers(*of("none.json", "v2.json"), "eval.qa.no_answer=[nobody knows]")["f1"] == 100


def test_several_suites_are_told_by_name(numbers):
    found = numbers(*of("said.json"), suite="[qa,generation]")
    assert found["qa"]["f1"] == F1
    assert {"bleu", "chrf", "rouge1", "rouge2", "rougeL", "n", "missing"} <= set(
        found["generation"]
    )
    assert "unfinished" not in found["generation"]  # nobody knows whether these answers ended


def test_any_suite_that_judges_answers_can_be_asked(numbers, files):
    (files / "json.txt").write_text('{"a": 1}\n{"a": \n')
    (files / "gold.txt").write_text('{"a": 1}\n{"a": 2}\n')
    found = numbers(*of("json.txt", "gold.txt"), suite="format")
    assert (found["valid_json"], found["n"]) == (50, 2)


def test_every_metric_has_its_interval(files, cli):
    told = cli("score", "eval=qa", *of("said.json")).out
    assert "questions  3 of gold.json" in told
    assert "answers    said.json (an object of answers, paired by id)" in told
    assert "95 % interval" in told
    assert "33.3 %" in told


def test_two_files_of_answers_are_compared_on_the_same_questions(numbers, files, cli):
    golds = {f"q{at}": [f"word{at} here"] for at in range(40)}
    (files / "gold.json").write_text(json.dumps(dataset(golds)))
    (files / "new.json").write_text(json.dumps({key: texts[0] for key, texts in golds.items()}))
    old = {key: texts[0] if at % 2 else "x" for at, (key, texts) in enumerate(golds.items())}
    (files / "old.json").write_text(json.dumps(dict(reversed(old.items()))))
    found = numbers(*of("new.json"), "--against", "old.json")
    assert (found["exact_match"], found["against"]["exact_match"]) == (100, 50)
    change = found["compare"]["exact_match"]
    assert (change["change"], change["changed"]) == (50, 20)
    assert change["real"] is change["better"] is True
    assert change["low"] < 50 < change["high"]
    told = cli("score", "eval=qa", *of("new.json"), "--against", "old.json").out
    assert next(line for line in told.splitlines() if "Exact" in line).endswith("better")
    told = cli("score", "eval=qa", *of("new.json"), "--against", "new.json").out
    assert next(line for line in told.splitlines() if "Exact" in line).endswith("the same")


@pytest.fixture
def run(here):
    """The results of a run: what base and tuned model answered."""
    rundir = RunDir(here / "runs" / "x")
    for who, text in (("base", "no"), ("tuned", "yes")):
        rows = [
            {"where": f"f line {at}", "question": f"{at}?", "expected": ["yes"], "source": "",
             "answer": text, "ended": who == "tuned", "exact_match": 1.0}
            for at in range(8)
        ]  # fmt: skip
        write(rundir, "qa", who, rows, Qa.identity)
    return rundir


def test_answers_of_a_run_are_scored_again_without_other_references(run, numbers):
    words = ["--predictions", str(run.results("qa")), "--model"]
    assert numbers(*words, "tuned") == {"exact_match": 100, "f1": 100, "n": 8, "missing": 0}
    assert numbers(*words, "base")["f1"] == 0
    assert numbers(*words, "base", suite="generation")["unfinished"] == 100


def test_two_models_of_a_run_are_compared(run, numbers):
    words = ["--predictions", str(run.results("qa")), "--model", "tuned", "--against-model", "base"]
    change = numbers(*words)["compare"]["f1"]
    assert (change["change"], change["real"]) == (100, True)


def test_results_of_a_run_are_scored_as_the_run_scored_them(run, numbers):
    example = type("Asked", (), {"where": "", "question": "", "answers": ["yes"], "source": ""})()
    suite = Generation()
    rows = [suite.row(example, Completion("yes", 0, True)) for _ in range(8)]  # pyright: ignore
    words = ["--predictions", str(run.results("qa")), "--model", "tuned"]
    found = numbers(*words, suite="generation")
    assert {key: found[key] for key in ("chrf", "rougeL", "unfinished")} == {
        key: suite.result(rows).metrics[key] for key in ("chrf", "rougeL", "unfinished")
    }


def refused(cli, *words):
    said = cli("score", *words)
    assert (said.code, said.out) == (2, "")
    return said.err


def test_a_run_itself_is_answered_with_its_results(run, cli):
    (run.path / "notes.jsonl").write_text("{}")
    told = refused(cli, "eval=qa", "--predictions", str(run.path), "--model", "tuned")
    assert told.endswith("holds 2 files; name one of them: eval/qa.jsonl\n")


def test_a_model_of_a_run_has_to_be_chosen_and_known(run, cli):
    file = str(run.results("qa"))
    assert "holds answers of base, tuned; add --model tuned" in refused(
        cli, "eval=qa", "--predictions", file
    )
    assert "no model tunde; did you mean tuned?" in refused(
        cli, "eval=qa", "--predictions", file, "--model", "tunde"
    )


def test_all_that_is_wrong_is_told_at_once(files, cli):
    (files / "bad.jsonl").write_text(
        '{"id": "1", "text": "a"}\n{"id": "2" "text"}\n{"id": "3"}\n[]\n'
    )
    suites = "eval=[qa,perplexity,prompts]"
    words = [suites, "eval.prompts.prompts=[Hi]", "model=x"]
    told = refused(cli, *words, *of("bad.jsonl", "nowhere.json"))
    assert "model=x: score takes eval, dataset, compare alone" in told
    for name in ("perplexity", "prompts"):
        assert f"eval=[{name}] needs a model; score takes the suites that judge answers: " in told
    assert "bad.jsonl line 2: broken JSON" in told
    assert "bad.jsonl line 4: is a list, not an object" in told
    assert "nowhere.json does not exist" in told


def test_a_row_without_the_column_of_the_others_is_named(files, cli):
    (files / "bad.jsonl").write_text(
        '{"id": "1", "text": "a"}\n{"id": "2"}\n{"id": "3", "text": []}\n'
    )
    told = refused(cli, "eval=qa", *of("bad.jsonl"))
    assert told.splitlines() == [
        "error: bad.jsonl line 2: no column 'text'",
        'error: bad.jsonl line 3: column "text" holds a list, not text',
    ]


def test_an_unknown_suite_is_answered_with_the_nearest(files, cli):
    assert "did you mean generation?" in refused(cli, "eval=generatoin", *of("said.json"))
    assert "did you mean eval.qa.no_answer" in refused(
        cli, "eval=qa", "eval.qa.no_anser=[x]", *of("said.json")
    )


def test_what_is_missing_on_the_command_line_is_told(files, cli):
    told = refused(cli)
    assert len(told.splitlines()) == 3
    assert "eval is missing; add eval=<one or several of " in told
    assert "--predictions is missing; add --predictions FILE" in told
    assert "--references is missing; add --references FILE" in told
    assert "--jsn is not a flag here; did you mean --json?" in refused(cli, "eval=qa", "--jsn")
    assert "eval is missing" in refused(cli, "eval=[]", *of("said.json"))
    assert "said.json: files are named by --predictions FILE" in refused(cli, "said.json")


def test_unequal_numbers_without_ids_are_refused(files, cli):
    (files / "two.txt").write_text("a\nb\n")
    told = refused(cli, "eval=qa", *of("two.txt"))
    assert "two.txt has 2 answers and gold.json 3 questions; without ids (two.txt)" in told


def test_ids_that_have_nothing_in_common_are_refused(files, cli):
    (files / "other.json").write_text('{"z1": "a"}')
    told = refused(cli, "eval=qa", *of("other.json"))
    assert "other.json: none of its ids (z1 …) is one of gold.json (q1 …)" in told


def test_an_id_that_is_there_twice_is_refused(files, cli):
    (files / "twice.json").write_text('{"q1": "a", "q2": "b", "q1": "c"}')
    assert "twice.json: the id q1 is there twice" in refused(cli, "eval=qa", *of("twice.json"))
    (files / "twice.jsonl").write_text(lines([{"id": "q1", "text": "a"}] * 2))
    told = refused(cli, "eval=qa", *of("twice.jsonl"))
    assert "twice.jsonl: ids that are there more than once: q1" in told


def test_a_file_of_no_answers_says_how_to_name_the_column(files, cli):
    (files / "odd.jsonl").write_text('{"id": "q1", "mine": "a"}\n')
    assert "odd.jsonl: no column with answers; name the one that has them: --column X" in refused(
        cli, "eval=qa", *of("odd.jsonl")
    )
    assert "no column 'mien'; did you mean mine?" in refused(
        cli, "eval=qa", *of("odd.jsonl"), "--column", "mien"
    )


def test_an_empty_file_is_refused(files, cli):
    (files / "empty.txt").write_text("")
    assert "empty.txt is empty" in refused(cli, "eval=qa", *of("empty.txt"))


def test_one_file_of_references_is_enough(files, cli):
    told = refused(cli, "eval=qa", *of("said.json"), "dataset=said.json")
    assert "dataset=said.json: --references gold.json names the file already" in told


def test_scoring_imports_no_torch(files, process):
    code = (
        "import json, sys; from ftrecipe.__main__ import main\n"
        "main(json.loads(sys.argv[1]))\n"
        "heavy = {'torch', 'transformers', 'datasets', 'trl', 'peft'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules)) or ''))"
    )
    words = ["score", "eval=[qa,generation]", *of("said.json"), "--against", "said.json"]
    done = process("-c", code, json.dumps(words))
    assert done.stderr.strip() == ""
    assert "ROUGE-L" in done.stdout
