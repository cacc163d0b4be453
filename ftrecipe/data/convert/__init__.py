"""Writes examples in any format: what `convert` does with what the readers gave."""
