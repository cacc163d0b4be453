"""Where in a long text artefacts are asked, and what it is made of."""

from ftrecipe.stages.exporting.fidelity.asked import READ, READ_OF_ONE, read
from ftrecipe.stages.exporting.fidelity.lengths import joined, places


def test_places_are_spread_up_to_what_is_read_in_seconds() -> None:
    assert places({"max_position_embeddings": 8192}) == [128 * part for part in range(1, 9)]


def test_model_that_reads_less_is_asked_less() -> None:
    assert places({"max_position_embeddings": 512})[-1] == 511


def test_model_that_names_its_end_otherwise_or_has_a_learned_prompt_is_asked_less() -> None:
    assert places({"n_positions": 128})[-1] == 127
    assert places({"n_positions": 128}, taken=20)[-1] == 107
    assert places({"max_position_embeddings": 4}) == [1, 2, 3]


def test_length_behind_which_programs_differ_is_not_left_behind() -> None:
    rotary = {"rope_type": "longrope", "original_max_position_embeddings": 4096}
    assert places({"max_position_embeddings": 131072, "rope_parameters": rotary})[-1] == 1024


def test_end_of_a_window_is_left_behind_where_the_model_goes_on() -> None:
    windowed = {"max_position_embeddings": 32768, "sliding_window": 4096}
    assert places(windowed)[-1] == 4224
    assert places(windowed | {"use_sliding_window": False})[-1] == 1024
    stretched = {"rope_type": "yarn", "original_max_position_embeddings": 2048}
    assert places({"max_position_embeddings": 8192, "rope_parameters": stretched})[-1] == 2176


def test_rows_come_again_where_they_are_too_few() -> None:
    assert joined([[1, 2], [], [3]], 7) == [1, 2, 3, 1, 2, 3, 1]
    assert joined([], 7) == []


def test_answers_are_read_up_to_a_bound_and_prompts_do_not_count() -> None:
    row = {"input_ids": list(range(100)), "labels": [-100] * 10 + list(range(10, 100))}
    found = read([row] * 20)
    assert len(found) == READ // READ_OF_ONE
    assert found[0] == (row["input_ids"][:42], row["labels"][:42])
    assert read([{"input_ids": [1, 2], "labels": [-100, -100]}]) == []
