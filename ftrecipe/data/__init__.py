"""What all dataset formats share: reading, splitting, tokenizing, and the audit of the result."""
