"""Token ids are written as the text that a GGUF's own tokenizer reads as these ids."""

from pathlib import Path
from typing import Any

import gguf
import pytest

from ftrecipe.stages.engines import NotAsked
from ftrecipe.stages.engines.spelling import Spelling

NORMAL, UNKNOWN, CONTROL, DEFINED, BYTE = 1, 2, 3, 4, 6
PIECES = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL), ("[INST]", DEFINED),
          ("<0x0A>", BYTE), ("▁Hello", NORMAL), ("▁world", NORMAL), ("!", NORMAL)]  # fmt: skip
LETTERS = [("<|end|>", CONTROL), ("Hi", NORMAL), ("Ġthere", NORMAL), ("Ċ", NORMAL), ("Ã", NORMAL),
           ("¤", NORMAL)]  # fmt: skip


def written(folder: Path, model: str, tokens: list[tuple[str, int]], **more: Any) -> Spelling:
    """Write a GGUF that holds a tokenizer and nothing else."""
    writer = gguf.GGUFWriter(folder / "x.gguf", "llama")
    writer.add_tokenizer_model(model)
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_eos_token_id(2 if model == "llama" else 0)
    for name, value in more.items():
        getattr(writer, f"add_{name}")(value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return Spelling(folder / "x.gguf")


def test_bytes_are_put_together(tmp_path: Path) -> None:
    spelling = written(tmp_path, "gpt2", LETTERS)
    assert spelling.text([1, 2, 3, 4, 5, 0]) == "Hi there\nä<|end|>"
    assert spelling.ends == {0}


def test_a_prompt_that_ends_within_a_letter_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(NotAsked, match="within a letter"):
        written(tmp_path, "gpt2", LETTERS).text([1, 4])


def test_what_a_tokenizer_adds_by_itself_is_left_out(tmp_path: Path) -> None:
    spelling = written(tmp_path, "llama", PIECES, bos_token_id=1)
    assert spelling.text([1, 5, 6, 7, 4, 3, 5]) == "Hello world!\n[INST]Hello"


def test_a_prompt_without_what_is_always_added_is_not_asked(tmp_path: Path) -> None:
    spelling = written(tmp_path, "llama", PIECES, bos_token_id=1)
    with pytest.raises(NotAsked, match="begin token before every text"):
        spelling.text([5, 6])
    with pytest.raises(NotAsked, match="space before every text"):
        spelling.text([1, 7])


def test_what_a_file_says_not_to_add_is_part_of_the_text(tmp_path: Path) -> None:
    spelling = written(tmp_path, "llama", PIECES, bos_token_id=1, add_bos_token=False,
                       add_space_prefix=False)  # fmt: skip
    assert spelling.text([1, 5, 6]) == "<s> Hello world"
