"""A run repeated from its lock: opened, its files found, planned again, and compared."""
