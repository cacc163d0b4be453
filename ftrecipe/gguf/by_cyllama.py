"""Quantises one GGUF file with cyllama; a process of kquants.py: SOURCE TARGET CODE THREADS.

llama.cpp prints what it does and ends the process where a file is not as it expects.
"""

import sys


def main() -> None:
    """Quantise as the command line says; what is wrong has been printed when it fails."""
    from cyllama.llama.llama_cpp import LlamaModelQuantizeParams, model_quantize

    source, target, code, threads = sys.argv[1:]
    params = LlamaModelQuantizeParams()
    params.ftype, params.nthread = int(code), int(threads)
    model_quantize(source, target, params)


if __name__ == "__main__":
    main()
