"""What Ollama reads and answers: Modelfiles, names of models, and its HTTP API."""
