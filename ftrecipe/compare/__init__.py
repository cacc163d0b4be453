"""Is a change real: from what was seen of single examples to numbers, intervals and a yes or no.

Pure arithmetic on plain rows; it knows no suite by name, and loads no model.
"""
