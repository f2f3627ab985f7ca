"""Models: Hugging Face `transformers` models built from the manifest's shape."""
