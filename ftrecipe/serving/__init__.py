"""What of which runs is served, by which program, and where: settled before anything is loaded."""
