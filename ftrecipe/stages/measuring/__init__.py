"""How a model is measured: answers, losses, suites, the objective."""
