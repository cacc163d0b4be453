"""Small config.json's of every family, with the variations that change what a model is made of."""

from typing import Any

SMALL: dict[str, Any] = {
    "hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 6, "num_key_value_heads": 2,
    "vocab_size": 200, "intermediate_size": 160, "max_position_embeddings": 256,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
HEAD = {"head_dim": 20}
TIED, UNTIED = {"tie_word_embeddings": True}, {"tie_word_embeddings": False}
BIASES = {"attention_bias": True, "mlp_bias": True}
NO_BIASES = {"attention_bias": False, "mlp_bias": False}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
LOCAL_EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
GPT_2 = {
    "n_embd": 96, "n_layer": 3, "n_head": 6, "vocab_size": 200, "n_positions": 256,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
SEEING = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "image_size": 28, "patch_size": 14,
}  # fmt: skip
VARIATIONS: dict[str, list[dict[str, Any]]] = {
    "arcee": [HEAD, BIASES, TIED],
    "cohere": [HEAD, UNTIED, {"use_qk_norm": True}, BIASES],
    "cohere2": [{"sliding_window": 16}, UNTIED, {"sliding_window_pattern": 2}],
    "cwm": [HEAD, {"mlp_bias": True}, TIED],
    "ernie4_5": [HEAD, {"use_bias": True}, UNTIED],
    "exaone4": [HEAD, TIED],
    "gemma": [HEAD, UNTIED, BIASES],
    "gemma2": [HEAD, UNTIED, {"sliding_window": None}, BIASES],
    "gemma3_text": [HEAD, UNTIED, BIASES, {"sliding_window_pattern": 2}],
    "glm": [HEAD, NO_BIASES, TIED],
    "glm4": [HEAD, NO_BIASES, TIED],
    "gpt_neox": [{}, TIED, NO_BIASES],
    "gpt_oss": [LOCAL_EXPERTS, LOCAL_EXPERTS | HEAD, LOCAL_EXPERTS | NO_BIASES | TIED],
    "granite": [HEAD, BIASES, TIED],
    "granitemoe": [LOCAL_EXPERTS, LOCAL_EXPERTS | HEAD | BIASES | TIED],
    "hunyuan_v1_dense": [HEAD, HEAD | BIASES, HEAD | TIED],
    "iquestcoder": [HEAD, BIASES, TIED],
    "llama": [{}, HEAD, BIASES, TIED, {"num_key_value_heads": None}],
    "ministral": [HEAD, HEAD | TIED],
    "ministral3": [HEAD, {"sliding_window": 16}, TIED],
    "mistral": [{}, HEAD, TIED, {"sliding_window": None}],
    "mixtral": [LOCAL_EXPERTS, LOCAL_EXPERTS | HEAD | TIED],
    "nemotron": [HEAD, BIASES, TIED],
    "olmo": [HEAD, BIASES, TIED],
    "olmo2": [HEAD, BIASES, TIED],
    "olmo3": [HEAD, BIASES, TIED],
    "olmoe": [EXPERTS, EXPERTS | BIASES | TIED],
    "phi": [{}, HEAD, TIED],
    "phi3": [{}, TIED, {"sliding_window": 16}],
    "qwen2": [{}, HEAD, TIED, {"use_sliding_window": True, "max_window_layers": 1}],
    "qwen2_moe": [
        EXPERTS | {"shared_expert_intermediate_size": 48},
        EXPERTS | {"shared_expert_intermediate_size": 48, "mlp_only_layers": [1]} | TIED,
        EXPERTS | {"shared_expert_intermediate_size": 48, "qkv_bias": False},
        EXPERTS | {"shared_expert_intermediate_size": 48, "use_sliding_window": True},
    ],
    "qwen3": [HEAD, BIASES, TIED, {"use_sliding_window": True, "max_window_layers": 1}],
    "qwen3_moe": [EXPERTS, EXPERTS | HEAD, EXPERTS | BIASES | TIED | {"decoder_sparse_step": 2}],
    "seed_oss": [HEAD, {"attention_out_bias": True, "mlp_bias": True}, TIED],
    "smollm3": [{}, HEAD, BIASES, UNTIED, {"use_sliding_window": True, "sliding_window": 16}],
    "stablelm": [{}, {"use_qkv_bias": True}, TIED, {"use_parallel_residual": True}],
    "starcoder2": [{}, {"use_bias": False}, UNTIED, {"sliding_window": 16}],
}  # fmt: skip
CONFIGS: list[dict[str, Any]] = [
    {"model_type": model_type} | SMALL | variation
    for model_type, variations in VARIATIONS.items()
    for variation in variations
]
CONFIGS += [{"model_type": "gpt2"} | GPT_2 | more for more in ({}, {"n_inner": 100}, UNTIED)]
CONFIGS += [
    {"model_type": "gemma3", "mm_tokens_per_image": 1, "text_config": SMALL | HEAD,
     "vision_config": SEEING | {"model_type": "siglip_vision_model"} | more}
    for more in ({"vision_use_head": False}, {"vision_use_head": True})
] + [
    {"model_type": "gemma3", "mm_tokens_per_image": 1, "text_config": SMALL | HEAD | tied,
     "vision_config": SEEING | {"vision_use_head": False}, "tie_word_embeddings": False}
    for tied in (TIED, UNTIED)
]  # fmt: skip


def called(config: dict[str, Any]) -> str:
    """Return a test's name for a config: its family, and what is varied."""
    usual = SMALL | GPT_2 | {"model_type": config["model_type"]}
    more = [
        f"{k}={v}" for k, v in config.items() if usual.get(k, config) != v and k[-7:] != "_config"
    ]
    seeing = config.get("vision_config", {}).get("vision_use_head")
    said = [] if seeing is None else [f"head={seeing}", f"{len(config['text_config'])}"]
    return "-".join([config["model_type"], *more, *said])
