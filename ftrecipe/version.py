"""Which version of ftrecipe this is."""

__version__ = "0.1.0"
