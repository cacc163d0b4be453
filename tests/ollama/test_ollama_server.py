"""How an Ollama server is asked, and what is said where it does not answer as one."""

import socket
from pathlib import Path

import pytest
from stand_in import StandIn

from ftrecipe.digest import sha256
from ftrecipe.ollama.address import address
from ftrecipe.ollama.server import CutOff, OllamaError, Server

QUESTION = [{"role": "user", "content": "one two three"}]


@pytest.fixture
def server(ollama: StandIn) -> Server:
    return Server(ollama.address, timeout=1)


@pytest.fixture
def made(server: Server, gguf: Path) -> str:
    digest = f"sha256:{sha256(gguf)}"
    server.upload(digest, gguf, lambda: None)
    server.create("faq", files={gguf.name: digest})
    return "faq"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("localhost", "http://localhost:11434"),
        ("0.0.0.0:11435", "http://127.0.0.1:11435"),
        (":8000", "http://127.0.0.1:8000"),
        ("https://example.com/ollama/", "https://example.com:443/ollama"),
        ("http://[::1]:11434", "http://[::1]:11434"),
    ],
)
def test_an_address_is_read_as_ollama_reads_it(written: str, meant: str) -> None:
    assert address(written) == meant


def test_without_a_host_the_environment_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "gpu1:9000")
    assert address(None) == "http://gpu1:9000"
    monkeypatch.delenv("OLLAMA_HOST")
    assert address(None) == "http://127.0.0.1:11434"


@pytest.mark.parametrize("written", ["ftp://x", "http://x:99999", "x:port"])
def test_what_is_no_address_is_said_to_be_none(written: str) -> None:
    with pytest.raises(ValueError, match=r"no address|no number"):
        address(written)


def test_a_server_tells_its_version(server: Server) -> None:
    assert server.version() == "0.12.6"


def test_a_proxy_is_not_asked_for_this_machine(
    ollama: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert Server(ollama.address, 1).version() == "0.12.6"


def test_a_port_where_nobody_listens_says_how_to_start_a_server() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(CutOff, match=r"no Ollama server answers there; start it \(ollama serve\)"):
        Server(f"127.0.0.1:{port}", 1).version()


def test_a_web_server_that_says_200_to_everything_is_no_ollama(
    server: Server, ollama: StandIn
) -> None:
    ollama.breaks["*"] = "html"
    for ask in (server.version, server.models):
        with pytest.raises(OllamaError, match="something else listens there"):
            ask()
    with pytest.raises(OllamaError, match="something else listens there"):
        server.chat("faq", QUESTION, {})


def test_a_server_that_falls_silent_is_given_up(server: Server, ollama: StandIn) -> None:
    ollama.breaks["GET /api/version"] = "hang"
    with pytest.raises(CutOff, match="no progress for 1 s"):
        server.version()


def test_a_file_is_sent_whole_and_its_parts_are_counted(
    server: Server, ollama: StandIn, gguf: Path
) -> None:
    digest, parts = f"sha256:{sha256(gguf)}", []
    assert not server.has_blob(digest)
    server.upload(digest, gguf, lambda: parts.append(1))
    assert server.has_blob(digest)
    assert len(parts) == 4
    assert ollama.blob(digest).read_bytes() == gguf.read_bytes()


def test_a_server_that_goes_away_in_the_middle_of_a_file_is_said_to(
    server: Server, ollama: StandIn, gguf: Path
) -> None:
    ollama.breaks["POST /api/blobs"] = "vanish"
    with pytest.raises(CutOff, match=f"while {gguf.name} was sent, it went away"):
        server.upload(f"sha256:{sha256(gguf)}", gguf, lambda: None)


def test_a_file_that_arrives_otherwise_is_refused_with_both_digests(
    server: Server, ollama: StandIn, gguf: Path
) -> None:
    ollama.breaks["POST /api/blobs"] = "corrupt"
    with pytest.raises(OllamaError, match=r"digest mismatch, expected .* \(HTTP 400\)"):
        server.upload(f"sha256:{sha256(gguf)}", gguf, lambda: None)


def test_an_error_within_a_stream_that_began_well_is_found(
    server: Server, made: str, ollama: StandIn
) -> None:
    ollama.breaks["POST /api/create"] = "error"
    with pytest.raises(OllamaError, match=r"making faq2, it refused: no space left on device$"):
        server.create("faq2", files=dict(_only(ollama)))
    ollama.breaks["POST /api/chat"] = "error"
    with pytest.raises(OllamaError, match="runner has unexpectedly stopped"):
        server.chat(made, QUESTION, {})


def test_a_model_whose_making_never_says_success_is_not_made(
    server: Server, made: str, ollama: StandIn
) -> None:
    ollama.breaks["POST /api/create"] = "stop"
    with pytest.raises(CutOff, match="ended in the middle"):
        server.create("faq2", files=dict(_only(ollama)))


def _only(ollama: StandIn) -> list[tuple[str, str]]:
    return [("faq.gguf", ollama.models["faq:latest"]["files"][0])]


def test_a_model_that_is_not_there_is_told_by_its_name(server: Server) -> None:
    with pytest.raises(OllamaError, match=r"asking nobody.*'nobody' not found \(HTTP 404\)"):
        server.chat("nobody", QUESTION, {})


def test_a_broken_server_is_told_by_its_own_words(server: Server, ollama: StandIn) -> None:
    ollama.breaks["GET /api/tags"] = "500"
    with pytest.raises(OllamaError, match=r"something broke \(HTTP 500\)"):
        server.models()


def test_an_answer_says_how_long_it_was_and_how_it_ended(server: Server, made: str) -> None:
    whole = server.chat(made, QUESTION, {})
    assert (whole.text, whole.tokens, whole.ended) == ("echo: one two three", 4, True)
    assert "".join(server.chatting(made, QUESTION, {})) == whole.text
    assert server.complete(made, "x y", {"num_predict": 2}).text == "echo: x"
    server.unload(made)
