"""Runs as a registry: listed, shown, compared, tagged and named, from their folders alone."""
