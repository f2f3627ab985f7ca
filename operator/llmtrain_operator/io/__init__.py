"""The operator's clients of the world outside."""
