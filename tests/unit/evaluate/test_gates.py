"""Gates: which pass, and what is said about those that do not."""

import pytest

from llmtrain_api.job_rules import require_measured
from llmtrain_api.spec.data import Data
from llmtrain_api.spec.evaluate import Evaluate, Gate
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.gates import check_gates, describe_failures

_DATA = Data.model_validate({"sources": [{"pythonDocs": {}}]})


@pytest.mark.parametrize(
    ("bounds", "value", "failure"),
    [
        ({"max": 2.5}, 2.5, ""),
        ({"max": 2.5}, 2.51, "bitsPerByte is 2.51, above the gate's max of 2.5"),
        ({"min": 0.3}, 0.3, ""),
        ({"min": 0.3}, 0.29, "bitsPerByte is 0.29, below the gate's min of 0.3"),
        ({"min": 0.0}, -0.1, "bitsPerByte is -0.1, below the gate's min of 0"),
        ({"min": 1, "max": 2}, 1.5, ""),
        ({"min": 1, "max": 2}, 0.5, "bitsPerByte is 0.5, below the gate's min of 1"),
        ({"min": 1, "max": 2}, 2.5, "bitsPerByte is 2.5, above the gate's max of 2"),
    ],
)
def test_bounds_are_inclusive(bounds: dict[str, float], value: float, failure: str) -> None:
    gate = Gate.model_validate({"metric": "bitsPerByte"} | bounds)
    (result,) = check_gates([gate], {"bitsPerByte": value, "perplexity": 9.0})
    assert result.passed == (not failure)
    assert describe_failures([result]) == failure


def test_all_failed_gates_are_reported() -> None:
    gates = [Gate(metric="a", max=1), Gate(metric="b", max=1), Gate(metric="c", min=9)]
    results = check_gates(gates, {"a": 2.0, "b": 0.0, "c": 8.0})
    assert describe_failures(results) == (
        "a is 2, above the gate's max of 1; c is 8, below the gate's min of 9"
    )


def test_a_metric_that_was_not_measured_is_named_with_those_that_were() -> None:
    with pytest.raises(UserError, match=r"gates\[0\].metric: 'b' .* the metrics are: a, x/y"):
        check_gates([Gate(metric="b", max=1)], {"a": 1.0, "x/y": 2.0})


@pytest.mark.parametrize(
    ("section", "known"),
    [
        ({}, "bitsPerByte, perplexity"),
        ({"bitsPerByte": False}, "none"),
        (
            {"tasks": [{"heldOutDocs": {}}, {"lmEval": {"name": "quiz", "include": "q"}}]},
            r"bitsPerByte, perplexity, heldOutDocs/accuracy, quiz/\.\.\.",
        ),
    ],
)
def test_an_impossible_gate_is_refused_with_the_manifest(
    section: dict[str, object], known: str
) -> None:
    gate = {"metric": "bitsPerBite", "max": 1}
    with pytest.raises(ValueError, match=f"bitsPerBite is not measured; the metrics are {known}$"):
        require_measured(Evaluate.model_validate(section | {"gates": [gate]}), _DATA)


@pytest.mark.parametrize("metric", ["perplexity", "heldOutDocs/accuracy", "quiz/acc"])
def test_a_possible_gate_is_taken_with_the_manifest(metric: str) -> None:
    tasks = [{"heldOutDocs": {}}, {"lmEval": {"name": "quiz", "include": "q"}}]
    gates = [{"metric": metric, "max": 1}]
    require_measured(Evaluate.model_validate({"tasks": tasks, "gates": gates}), _DATA)
