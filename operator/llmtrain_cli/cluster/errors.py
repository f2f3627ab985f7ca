"""What a command for a cluster cannot do."""

from llmtrain_cli.exits import WRONG_INPUT


class CommandError(Exception):
    """What was asked cannot be done; the message says why, and what would help.

    Attributes:
        exit_code: what the command ends with.
    """

    def __init__(self, message: str, exit_code: int = WRONG_INPUT) -> None:
        super().__init__(message)
        self.exit_code = exit_code
