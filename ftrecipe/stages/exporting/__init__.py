"""What the export stage is made of: what targets are made from, and the gate that they pass."""
