"""Checks the manifest's gates."""

from collections.abc import Iterable, Mapping, Sequence

from llmtrain_api.records import GateResult
from llmtrain_api.spec.evaluate import Gate
from llmtrain_trainer.errors import UserError

BITS_PER_BYTE, PERPLEXITY = "bitsPerByte", "perplexity"
HELD_OUT_DOCS = "heldOutDocs"


def check_gates(gates: Sequence[Gate], measured: Mapping[str, float]) -> tuple[GateResult, ...]:
    """Compare measurements with the gates.

    Args:
        gates: gates of the manifest.
        measured: values by metric, for the job's last model.

    Raises:
        UserError: a gate names no metric that was measured.
    """
    results = []
    for number, gate in enumerate(gates):
        if gate.metric not in measured:
            raise _unknown(number, gate, measured)
        value = measured[gate.metric]
        results.append(
            GateResult(
                metric=gate.metric,
                value=value,
                min=gate.min,
                max=gate.max,
                passed=(gate.min is None or value >= gate.min)
                and (gate.max is None or value <= gate.max),
            )
        )
    return tuple(results)


def describe_failures(results: Iterable[GateResult]) -> str:
    """The gates that were not met, in a sentence; empty where all were."""
    return "; ".join(
        f"{result.metric} is {result.value:.4g}, {_bound(result)}"
        for result in results
        if not result.passed
    )


def _bound(result: GateResult) -> str:
    if result.min is not None and result.value < result.min:
        return f"below the gate's min of {result.min:g}"
    return f"above the gate's max of {result.max:g}"


def _unknown(number: int, gate: Gate, known: Iterable[str]) -> UserError:
    there_are = ", ".join(known) or "none, since nothing is measured"
    return UserError(
        f"evaluate.gates[{number}].metric: {gate.metric!r} is not measured; "
        f"the metrics are: {there_are}"
    )
