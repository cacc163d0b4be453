"""GGUF files: a model's weights, config and tokenizer as llama.cpp reads them.

Here `from gguf import …` is ggml-org's library, which knows the container; what a family of models
needs in it is said in this room.
"""

INSTEAD = (
    "llama.cpp's own converter knows more: export.gguf.llama_cpp=<a checkout of llama.cpp>; "
    "or take another target: export=merged"
)
