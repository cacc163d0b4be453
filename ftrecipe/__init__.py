"""Fine-tune language models from composed recipes."""
