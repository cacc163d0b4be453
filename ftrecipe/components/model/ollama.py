"""Ollama's names for models, answered with the hub id that holds the same model's weights."""

FAMILIES = {
    "mistral": "mistralai/Mistral-7B-Instruct-v0.3",
    "llama3": "meta-llama/Meta-Llama-3-8B-Instruct",
    "llama3.1": "meta-llama/Llama-3.1-8B-Instruct",
    "llama3.2": "meta-llama/Llama-3.2-3B-Instruct",
    "llama3.2:1b": "meta-llama/Llama-3.2-1B-Instruct",
    "smollm2": "HuggingFaceTB/SmolLM2-1.7B-Instruct",
    "smollm2:135m": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "smollm2:360m": "HuggingFaceTB/SmolLM2-360M-Instruct",
    "qwen2.5": "Qwen/Qwen2.5-7B-Instruct",
    "qwen2.5:0.5b": "Qwen/Qwen2.5-0.5B-Instruct",
    "qwen3": "Qwen/Qwen3-8B",
    "qwen3:0.6b": "Qwen/Qwen3-0.6B",
    "gemma3": "google/gemma-3-4b-it",
    "gemma3:1b": "google/gemma-3-1b-it",
    "phi4-mini": "microsoft/Phi-4-mini-instruct",
    "tinyllama": "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
}


def hub_id_for(tag: str) -> str | None:
    """Return the hub id that an Ollama tag such as `mistral:7b-instruct-q4_0` stands for."""
    family, _, size = tag.lower().partition(":")
    return FAMILIES.get(f"{family}:{size.split('-')[0]}") or FAMILIES.get(family)


def looks_like_tag(text: str) -> bool:
    """Tell an Ollama tag (`name:tag`, no path) from a folder or a hub id."""
    name, colon, tag = text.partition(":")
    return bool(colon and tag and name) and "/" not in text and "\\" not in text
