"""Scores that a model gives to documents, and the choice of documents by them."""
