"""A conversation with what a run has made, but for the model: choices, settings, and its log."""
