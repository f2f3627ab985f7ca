"""The exit codes of the command line, and the error with which a command ends."""

JOB_FAILED = 1
"""The job, or Ray, did not do what it should."""
WRONG_INPUT = 2
"""The manifest or the arguments are wrong; nothing was started."""
INTERRUPTED = 130
"""Stopped before the end; the same command goes on."""


class CommandError(Exception):
    """What was asked cannot be done; the message says why, and what would help.

    Attributes:
        exit_code: what the command ends with.
    """

    def __init__(self, message: str, exit_code: int = WRONG_INPUT) -> None:
        super().__init__(message)
        self.exit_code = exit_code
