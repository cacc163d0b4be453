"""A conversation in a terminal with what a run has made.

No stage of a run: it changes neither the run's files nor its status, and holds no lock of it.
"""
