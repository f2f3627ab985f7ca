"""Pretraining: the next token over all documents."""
