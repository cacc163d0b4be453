"""The process in which llama.cpp's server runs; llama_server.py starts it and asks it.

Files that llama.cpp does not expect can end its process without a word to Python: so it has one of
its own, which also gives all memory back. Settings come as one line of JSON, its address is the
answer, and it ends once nobody holds its input any more.
"""

import importlib
import json
import os
import signal
import sys
from typing import Any

from ftrecipe import devices
from ftrecipe.stages.engines.llama_server import PACKAGE, Serving

ERRORS = 1  # how much is logged: what went wrong, and nothing else
ANYWHERE_HERE = "http://localhost"  # web pages from elsewhere are not to use a server without a key


def parameters(xllamacpp: Any, serving: Serving) -> Any:
    """Return llama.cpp's parameters for a server."""
    params = xllamacpp.CommonParams()
    params.model.path = serving.file
    params.verbosity = ERRORS
    params.hostnames, params.port = [serving.host], serving.port
    params.model_alias = set(serving.names)
    params.api_keys = [serving.key] if serving.key else []
    params.cors_origins = ANYWHERE_HERE
    params.ui = params.endpoint_slots = params.warmup = False
    params.n_parallel = serving.parallel
    params.n_ctx = serving.context * serving.parallel
    threads = serving.threads or devices.threads()
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0  # prompts are kept in their slots, and not beside them besides
    if serving.exact:
        params.n_gpu_layers = 0
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return params


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it says when it ends
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what else is printed is no answer
    serving = Serving(**json.loads(sys.stdin.readline()))
    xllamacpp: Any = importlib.import_module(PACKAGE)
    try:
        server = xllamacpp.Server(parameters(xllamacpp, serving))
    except RuntimeError:  # says nothing; the reason has been logged
        sys.exit(1)
    print(server.listening_address, file=answer, flush=True)
    sys.stdin.read()
    os._exit(0)  # llama.cpp's own end waits for ever where its loop was not yet running


if __name__ == "__main__":
    main()
