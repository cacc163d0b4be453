"""The lock: what a run was made of, so that it can be repeated exactly and compared."""
