"""Does the stand-in behave as the official client expects of an Ollama server?"""

from pathlib import Path

import ollama as official
import pytest
from stand_in import StandIn


@pytest.fixture
def client(ollama: StandIn) -> official.Client:
    return official.Client(ollama.address)


@pytest.fixture
def made(client: official.Client, gguf: Path) -> str:
    """A model that the client has made of an uploaded file."""
    digest = client.create_blob(gguf)
    client.create("faq", files={"faq.gguf": digest}, system="Be brief.",
                  parameters={"stop": ["<|im_end|>"], "num_ctx": 64}, license="mit")  # fmt: skip
    return "faq"


def test_the_client_uploads_a_file_and_makes_a_model_of_it(
    client: official.Client, made: str, ollama: StandIn
) -> None:
    assert [each.model for each in client.list().models] == ["faq:latest"]
    shown = client.show(made)
    assert shown.parameters is not None
    assert '"<|im_end|>"' in shown.parameters
    assert shown.license == "mit"


def test_a_file_that_is_not_what_its_digest_says_is_refused(
    client: official.Client, gguf: Path, ollama: StandIn
) -> None:
    ollama.breaks["POST /api/blobs"] = "corrupt"
    with pytest.raises(official.ResponseError, match="digest mismatch") as refused:
        client.create_blob(gguf)
    assert refused.value.status_code == 400
    assert list(ollama.folder.iterdir()) == []


@pytest.mark.parametrize("key", ["/tmp/faq.gguf", "../faq.gguf", "./faq.gguf", "C:\\faq.gguf"])
def test_keys_of_files_are_relative_names(client: official.Client, gguf: Path, key: str) -> None:
    digest = client.create_blob(gguf)
    with pytest.raises(official.ResponseError, match="must be relative"):
        client.create("faq", files={key: digest})


def test_a_file_that_was_not_sent_is_an_error_within_the_stream(client: official.Client) -> None:
    digest = "sha256:" + "0" * 64
    told = []
    with pytest.raises(official.ResponseError, match="no such file") as refused:
        told += [each.status for each in client.create("x", files={"x.gguf": digest}, stream=True)]
    assert refused.value.status_code == -1  # not HTTP's


def test_what_is_no_gguf_is_refused(client: official.Client, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"PK12")
    with pytest.raises(official.ResponseError, match="not in GGUF format"):
        client.create("x", files={"x.gguf": client.create_blob(other)})


def test_answers_stream_and_say_how_they_ended(client: official.Client, made: str) -> None:
    question = [{"role": "user", "content": "one two"}]
    parts = [*client.chat(made, question, stream=True)]
    assert "".join(part.message.content or "" for part in parts) == "echo: one two"
    assert parts[-1].done_reason == "stop"
    assert client.generate(made, "one two").response == ""  # of the last line; it was streamed


def test_copies_point_to_the_same_model_and_deleting_takes_one_name_away(
    client: official.Client, made: str, ollama: StandIn
) -> None:
    client.copy(made, "faq:tuned")
    first, second = client.list().models
    assert first.digest == second.digest
    client.delete(made)
    assert [each.model for each in client.list().models] == ["faq:tuned"]
    assert len(list(ollama.folder.iterdir())) == 1
    client.delete("faq:tuned")
    assert list(ollama.folder.iterdir()) == []


@pytest.mark.parametrize("ask", ["show", "delete"])
def test_a_model_that_is_not_there_is_not_found(client: official.Client, ask: str) -> None:
    with pytest.raises(official.ResponseError, match="not found") as refused:
        getattr(client, ask)("nobody")
    assert refused.value.status_code == 404
