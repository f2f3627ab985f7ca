"""Evaluation: bits per byte, tasks, generations and gates."""
