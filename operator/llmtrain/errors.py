"""Errors of the client; each message says what was wrong, and what would help."""

from http import HTTPStatus


class LLMTrainError(Exception):
    """Base of all errors of the client; the command line prints the message as it is."""


class ManifestError(LLMTrainError):
    """The manifest cannot be used; the message has a line for each error."""


class JobNotFoundError(LLMTrainError):
    """There is no job with this name, or no job can have it."""


class JobExistsError(LLMTrainError):
    """There is a job with this name already."""


class JobStateError(LLMTrainError):
    """The job's state does not allow what was asked, or a state that was waited for cannot come."""


class OtherVersionError(LLMTrainError):
    """The job was written by another version of llmtrain."""


class KubeconfigError(LLMTrainError):
    """The kubeconfig is damaged."""


class ClusterError(LLMTrainError):
    """The API server or Ray refuses a request, or cannot be reached.

    Attributes:
        status: HTTP status of the API server; 0 if it did not answer.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_refusal(self) -> bool:
        """Whether the API server answered, and the fault is not its own."""
        return 0 < self.status < HTTPStatus.INTERNAL_SERVER_ERROR


class RayError(ClusterError):
    """Ray refuses a request, or cannot be reached."""

    @property
    def is_refusal(self) -> bool:
        """Whether another try would be in vain: always."""
        return True


class RayUnreachableError(RayError):
    """The Ray of a running attempt does not answer."""


class LogError(LLMTrainError):
    """A log cannot be read; the message says where it is."""


class RunError(LLMTrainError):
    """The process that runs a job on this machine did not start, or has been killed."""


class WaitTimeoutError(LLMTrainError, TimeoutError):
    """The awaited state has not come in time."""
