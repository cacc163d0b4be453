"""Names of the files in a model's or an adapter's folder, as transformers and PEFT write them."""

CONFIG = "config.json"
GENERATION_CONFIG = "generation_config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"  # names the shards, where there are several
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
CHAT_TEMPLATE = "chat_template.jinja"
ADAPTER_CONFIG = "adapter_config.json"  # tells an adapter's folder from a model's
ADAPTER_WEIGHTS = "adapter_model.safetensors"
