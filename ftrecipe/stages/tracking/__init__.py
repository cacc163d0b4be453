"""How a run is told to its tracker: by a process of its own, from the files of the run.

So no tracker can hold up a training or end it, and what did not arrive can be sent again.
"""
