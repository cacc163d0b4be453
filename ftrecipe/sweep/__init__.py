"""A sweep: many trials, each a run of its own, under one folder that can be gone on with."""
