import itertools
import os
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.rundir import read_json, write_json
from ftrecipe.serving.order import Order, Served
from ftrecipe.talk.choice import Loadable

STAND_IN = """\
#!{python}
# Stands in for vllm: keeps its words, and answers what a server is asked for to see that it is up.
import http.server, json, os, sys
words = sys.argv[1:]
open({kept!r}, "w").write(json.dumps([words, os.environ.get("VLLM_API_KEY"), os.getpid()]))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"{{}}")
where = words[words.index("--host") + 1], int(words[words.index("--port") + 1])
http.server.HTTPServer(where, Handler).serve_forever()
"""


@pytest.fixture
def program(here: Path) -> Path:
    """A stand-in for vllm on the PATH; what it was told is kept beside it."""
    file = here / "bin" / "vllm"
    file.parent.mkdir()
    kept = str(here / "told.json")
    file.write_text(STAND_IN.format(python=sys.executable, kept=kept), "utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


@pytest.fixture
def adapters(here: Path) -> list[Path]:
    """Adapters of two runs that were never trained, of ranks 16 and 24."""
    planned = plan.make(compose(["recipe=quickstart", "hardware=cpu", f"runs_dir={here / 'runs'}"]))
    folders = []
    for name, rank in (("one", 16), ("two", 24)):
        rundir = launch.create(planned, here / "runs" / "quickstart" / name)
        write_json(rundir.base, {"path": "builtin:tiny", "revision": None, "sha256": "0" * 64})
        folder = rundir.export / "adapter"
        folder.mkdir(parents=True)
        write_json(folder / "adapter_config.json", {"peft_type": "LORA", "r": rank})
        (folder / "chat_template.jinja").write_text("x", "utf-8")
        folders.append(folder)
    return folders


@pytest.mark.slow
def test_vllm_is_told_all_adapters_and_ends_with_its_server(
    here: Path, program: Path, adapters: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ftrecipe.serving.place import address, bound
    from ftrecipe.verbs import serve as verb

    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    served = [
        Served(f"run-{one.parents[1].name}", one.parents[1], Loadable("adapter", "peft", one))
        for one in adapters
    ]
    with bound("127.0.0.1", 0) as held:
        at = address(held)
        order = Order("vllm", served, at, held.fileno(), "sesame", 512, here / "log.txt", {})
        child = verb._start(order)
    try:
        _until_answers(at, child)
        words, key, pid = read_json(here / "told.json")
        assert words[:4] == ["serve", words[1], "--served-model-name", "tiny"]
        assert Path(words[1]).name == "tiny"
        assert key == "sesame"
        assert "sesame" not in words
        given = dict(itertools.pairwise(words))
        assert given["--max-lora-rank"] == "32"
        assert given["--max-model-len"] == "512"
        assert given["--dtype"] == "bfloat16"
        assert given["--lora-modules"] == f"run-one={adapters[0]}"
        assert f"run-two={adapters[1]}" in words
        assert given["--chat-template"] == str(adapters[0] / "chat_template.jinja")
        ends = Path(given["--generation-config"])
        assert ends.parent == Path(os.environ.get("TMPDIR", "/tmp"))
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _until_answers(address: str, child: Any) -> None:
    while True:
        assert child.poll() is None
        try:
            httpx.get(f"{address}/v1/models")
            return
        except httpx.HTTPError:
            pass
