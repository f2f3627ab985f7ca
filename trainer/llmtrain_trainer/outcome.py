"""The end of a stage's process: an outcome line for the operator, and an exit code."""

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.faults import describe_faults
from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.run_config import RunConfig
from llmtrain_api.upgrade.run_config import OtherVersionError, upgraded_run_config
from llmtrain_trainer.errors import StageError, UserError, in_one_line
from llmtrain_trainer.runner import StageResult

_log = logging.getLogger(__name__)


@dataclass
class Ending:
    """Exit code and outcome of the process."""

    exit_code: int = ExitCode.DONE
    result: StageResult = field(default_factory=StageResult)
    work: WorkSeconds | None = None
    warnings: tuple[str, ...] = ()


@contextmanager
def ending() -> Iterator[Ending]:
    """Turns whatever its block raises into an exit code, and prints the outcome line.

    A `StageError` is for the user, so no traceback is shown; anything else is a bug of ours or of
    a library: its traceback goes into the log, above the outcome, and its cause into the message.
    """
    end = Ending()
    try:
        yield end
        outcome = Outcome(
            reason="Completed",
            message="",
            evaluation=end.result.evaluation,
            counted_tokens=end.result.counted_tokens,
        )
    except StageError as error:
        end.exit_code = error.exit_code
        outcome = Outcome(reason=error.reason, message=error.message, evaluation=error.evaluation)
    except Exception as error:  # noqa: BLE001 - the last line of defence; the error is reported
        _log.exception("the stage failed")
        end.exit_code = ExitCode.APPLICATION
        cause = _cause(error)
        message = f"{type(cause).__name__}: {in_one_line(cause)}"
        outcome = Outcome(reason="StageFailed", message=message)
    outcome = outcome.replace(work=end.work, warnings=end.warnings)
    sys.stdout.flush()
    print(outcome.line(), file=sys.stderr, flush=True)  # noqa: T201 - the log's last line


def _cause(error: BaseException) -> BaseException:
    """The error of another process, which Ray's own error shows in a traceback."""
    while isinstance(cause := getattr(error, "cause", None), BaseException):
        error = cause
    return error


def leave(exit_code: int) -> NoReturn:
    """End this process at once, after its work and its outcome line.

    Threads of libraries would otherwise keep it alive, or abort it while the interpreter is torn
    down, as gloo's sometimes do; the exit code would then belie what was done.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def read_run_config(arguments: Sequence[str]) -> RunConfig:
    """The run config in the file that a command line names.

    Args:
        arguments: command line arguments: the path of the file.

    Raises:
        UserError: it is not there, or not one of this version.
    """
    if len(arguments) != 1:
        raise UserError(f"expected one argument, the path of a run config; found {len(arguments)}")
    path = Path(arguments[0])
    try:
        return RunConfig.model_validate(upgraded_run_config(json.loads(path.read_bytes())))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; it should be a run config") from error
    except OtherVersionError as error:
        raise UserError(f"{path} is not a run config of this version: {error}") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is not a run config of this version: it is no JSON") from error
    except ValidationError as error:
        faults = "; ".join(describe_faults(error))
        raise UserError(f"{path} is not a run config of this version: {faults}") from error
