"""Answers that are there already, held against what was expected: no model, and no torch."""
