"""Contamination: evaluation questions in training texts."""
