"""The exit codes of a stage, and the outcome line at the end of its log."""

import json
import signal
from enum import IntEnum, StrEnum

from llmtrain_api.base import Record
from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.progress import Warnings
from llmtrain_api.status import CountedTokens, EvaluationResult
from llmtrain_api.upgrade.status import with_counted_tokens


class ExitCode(IntEnum):
    """The exit code of a stage's driver."""

    DONE = 0
    """The stage is done."""
    USER = 2
    """The configuration or the data is wrong. Never retried."""
    APPLICATION = 3
    """The stage raised an exception."""
    INFRASTRUCTURE = 4
    """A worker or a node was lost."""
    GATE = 5
    """An evaluation gate was not met. Never retried."""
    INTERRUPTED = 75
    """A stop was requested, and the stage stopped after a committed checkpoint."""


class FailureClass(StrEnum):
    """Class of a failed attempt; each class has its own retry limit."""

    USER = "user"
    """The configuration or the data is wrong, or a gate was not met. Never retried."""
    APPLICATION = "application"
    """The stage raised an exception."""
    INFRASTRUCTURE = "infrastructure"
    """A worker, Pod or node was lost."""
    PREEMPTION = "preemption"
    """A stop was requested, and the stage stopped after a checkpoint."""


_SIGNALS_FROM = 128
"""Shells and Kubernetes report death by signal N as 128 + N; Python as -N."""


_CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGSYS}
)
"""Signals that a process causes itself: the same input would cause them again."""


def death_signal(exit_code: int | None) -> signal.Signals | None:
    """The signal that ended a driver; None if it ended by itself, or the cause is unknown."""
    if exit_code is None or 0 <= exit_code <= _SIGNALS_FROM:
        return None
    number = -exit_code if exit_code < 0 else exit_code - _SIGNALS_FROM
    return signal.Signals(number) if number in signal.valid_signals() else None


def crashed(exit_code: int | None) -> bool:
    """Whether the driver crashed, so that another attempt with the same input would too."""
    return death_signal(exit_code) in _CRASHES


def failure_class(exit_code: int | None) -> FailureClass:
    """The class of a failed attempt.

    A crash is the application's fault, and so is SIGABRT, with which libraries end a process. Any
    other signal comes from outside, SIGKILL from a machine short of memory.

    Args:
        exit_code: the driver's exit code; negative for a signal, None where it was never seen.
    """
    match exit_code:
        case ExitCode.USER | ExitCode.GATE:
            return FailureClass.USER
        case ExitCode.INTERRUPTED:
            return FailureClass.PREEMPTION
        case ExitCode.INFRASTRUCTURE | None:
            return FailureClass.INFRASTRUCTURE
        case code if crashed(code) or death_signal(code) is signal.SIGABRT:
            return FailureClass.APPLICATION
        case code if code < 0 or code > _SIGNALS_FROM:
            return FailureClass.INFRASTRUCTURE
        case _:
            return FailureClass.APPLICATION


OUT_OF_MEMORY = "OutOfMemory"
"""Reason in the outcome of a stage that ran out of memory."""

UNFIT_NODE = "UnfitNode"
"""Reason in the outcome of a stage whose worker group has an unfit node."""

OUTCOME_PREFIX = "llmtrain-outcome: "
"""Ray keeps only the exit code and the last lines of a driver's log, so the driver's last line
is this prefix and an `Outcome` as JSON."""


class Outcome(Record):
    """Outcome of a stage, for the job's status."""

    reason: str
    """CamelCase, for programs: `Completed`, `InvalidData`, `WorkerLost`."""
    message: str
    """Message for people: what was wrong, where, and what would be right."""
    evaluation: tuple[EvaluationResult, ...] = ()
    """Results of an evaluate stage, also if a gate was not met."""

    warnings: Warnings = ()
    work: WorkSeconds | None = None
    """Use of the attempt's time, to its end."""
    counted_tokens: CountedTokens = ()
    """Tokens of later stages' own data, which can be counted once there is a tokenizer."""

    def line(self) -> str:
        """The line that a driver prints last."""
        return OUTCOME_PREFIX + json.dumps(self.model_dump(mode="json", exclude_defaults=True))


def find_outcome(log_tail: str) -> Outcome | None:
    """The last outcome line of a driver's log; None where there is none."""
    for line in reversed(log_tail.splitlines()):
        _, found, text = line.partition(OUTCOME_PREFIX)
        if found:
            try:
                outcome = with_counted_tokens(json.loads(text))
                return Outcome.model_validate(outcome, extra="ignore")  # of a newer trainer
            except (ValueError, TypeError):  # cut off by Ray's limit on the tail
                continue
    return None
