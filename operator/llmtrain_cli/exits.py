"""The exit codes of the command line, and the error with which a command ends."""

JOB_FAILED = 1
"""The job has failed, or Ray did not start."""
WRONG_INPUT = 2
"""The manifest or the arguments are wrong; nothing was started."""
INTERRUPTED = 130
"""The run was stopped before its end; the same command resumes it."""


class CommandError(Exception):
    """A command cannot do its work; the message says why, and what would help.

    Attributes:
        exit_code: exit code of the command.
    """

    def __init__(self, message: str, exit_code: int = WRONG_INPUT) -> None:
        super().__init__(message)
        self.exit_code = exit_code
