"""Checkpoints that always load: written aside, hashed, renamed, and marked as committed last."""
