"""The exit codes of the command line."""

from llmtrain.errors import ClusterError, LLMTrainError, LogError, WaitTimeoutError

JOB_FAILED = 1
"""The job has failed, or Ray or the cluster does not do its part."""
WRONG_INPUT = 2
"""The manifest or the arguments are wrong; nothing was started."""
INTERRUPTED = 130
"""The run was stopped before its end; the same command resumes it."""


def exit_code(error: LLMTrainError) -> int:
    """The exit code of a command that ends with an error."""
    return JOB_FAILED if isinstance(error, _NOT_THE_USERS) else WRONG_INPUT


_NOT_THE_USERS = (ClusterError, LogError, WaitTimeoutError)
