"""What one worker process does: a module a stage, each with a function of the stage's name."""
