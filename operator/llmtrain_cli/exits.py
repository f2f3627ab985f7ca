"""The exit codes of the command line."""

JOB_FAILED = 1
"""The job, or Ray, did not do what it should."""
WRONG_INPUT = 2
"""The manifest or the arguments are wrong; nothing was started."""
INTERRUPTED = 130
"""Stopped before the end; the same command goes on."""
