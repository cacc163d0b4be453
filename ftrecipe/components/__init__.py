"""The options of every config group: one module (or folder) a group, under the group's name."""
