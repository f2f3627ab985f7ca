"""The errors that end a stage; each has an exit code and a reason."""

from llmtrain_api.exit_codes import UNFIT_NODE, ExitCode
from llmtrain_api.status import EvaluationResult

_LONGEST_LINE = 400


def in_one_line(error: BaseException) -> str:
    """The message of a library's error in one line."""
    return " ".join(str(error).split())[:_LONGEST_LINE].rstrip(".") or type(error).__name__


def neither_folder_nor_hub(
    named: str, error: BaseException, *, wanted: str, kind: str = "a model"
) -> str:
    """The message about a name that is found neither on the disk nor on the Hugging Face hub.

    Args:
        named: the manifest's field and what it says.
        error: what the library said, which stands last: it may be long, and about the network.
        wanted: what the name may be beside one of the hub: `a folder below /inputs`.
        kind: what the hub would have by this name.
    """
    return (
        f"{named}: it must be {wanted}, or {kind} of the Hugging Face hub that this machine can "
        f"reach; loading it failed: {in_one_line(error)}"
    )


class StageError(Exception):
    """Ends the stage without a traceback; the message is for the user.

    Args:
        message: what was wrong, where, and what would be right.
        reason: CamelCase, for programs.
        evaluation: results that were measured all the same.
    """

    exit_code = ExitCode.APPLICATION
    default_reason = "StageFailed"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        evaluation: tuple[EvaluationResult, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.evaluation = evaluation
        self.reason = reason or self.default_reason

    def __reduce__(self) -> tuple[object, ...]:
        """Keep all of it when Ray carries the error between processes."""
        return (_rebuild, (type(self), self.message, self.reason, self.evaluation))


def _rebuild(
    kind: type[StageError], message: str, reason: str, evaluation: tuple[EvaluationResult, ...]
) -> StageError:
    return kind(message, reason=reason, evaluation=evaluation)


class UserError(StageError):
    """The configuration or the data is wrong; a retry would not help."""

    exit_code = ExitCode.USER
    default_reason = "InvalidInput"


def missing_package(user: str, error: ModuleNotFoundError, extras: str = "trainer") -> UserError:
    """The error of a command whose libraries are not installed.

    Args:
        user: what needs them, for the message.
        error: names the package.
        extras: our own extras that bring them.
    """
    return UserError(
        f"{user} needs the package {error.name}; install it with: pip install 'llmtrain[{extras}]'"
    )


class WorkerLostError(StageError):
    """A worker or its machine was lost."""

    exit_code = ExitCode.INFRASTRUCTURE
    default_reason = "WorkerLost"


class UnfitNodeError(StageError):
    """A node lacks a GPU, or its links are too slow; another node may do."""

    exit_code = ExitCode.INFRASTRUCTURE
    default_reason = UNFIT_NODE


class GateError(StageError):
    """An evaluation gate was not met."""

    exit_code = ExitCode.GATE
    default_reason = "GateNotMet"


class Interrupted(StageError):  # noqa: N818 - it is no error: a stop was requested
    """A stop was requested, and the stage stopped after a committed checkpoint."""

    exit_code = ExitCode.INTERRUPTED
    default_reason = "Interrupted"
