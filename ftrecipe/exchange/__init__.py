"""Recipes between teams: taken in, kept true to what was taken, given away."""
