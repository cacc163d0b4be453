"""From messages to tokens: rendered with a template, masked, encoded, cut to a length."""
