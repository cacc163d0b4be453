"""What `serve` is made of: servers that others wrote, told by which names what is asked for.

No stage of a run: it changes neither the run's status nor holds its lock.
"""
