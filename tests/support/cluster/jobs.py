"""Sends LLMTrainingJobs to an API server."""

import copy
import enum
import re
from itertools import pairwise
from typing import Any

from support.cluster.api_client import ApiClient, ApiRefusal, Json

JOBS = "/apis/llmtrain.io/v1alpha1/namespaces/default/llmtrainingjobs"


def refusal_of(client: ApiClient, job: Json) -> str | None:
    """Why the server would refuse to create a job; None where it would not. Nothing is kept."""
    try:
        client.request("POST", f"{JOBS}?dryRun=All&fieldValidation=Strict", job)
    except ApiRefusal as refusal:
        return refusal.message
    return None


def full_pipeline_job(name: str = "whole-line") -> Json:
    """A valid job with every section, each with the fields that it cannot do without."""
    return {
        "apiVersion": "llmtrain.io/v1alpha1",
        "kind": "LLMTrainingJob",
        "metadata": {"name": name},
        "spec": {
            "data": {"sources": [{"pythonDocs": {}}]},
            "tokenizer": {"vocabularySize": 2048},
            "model": {"layers": 2, "hiddenSize": 64, "heads": 4},
            "pretrain": {"sequenceLength": 128, "batchTokens": 4096},
            "finetune": {"data": {"sources": [{"pythonDocs": {}}]}, "sequenceLength": 128},
            "evaluate": {"gates": [{"metric": "bitsPerByte", "max": 2.5}]},
            "export": {},
        },
    }


class Removed(enum.Enum):
    """Given as a value, it takes the field away."""

    REMOVED = enum.auto()


def with_change(job: Json, path: str, value: object) -> Json:
    """A copy of a job in which one field differs: `spec.model.layers`, `spec.data.sources[0]`.

    Objects and list items on the way to it are made where they are missing.
    """
    changed = copy.deepcopy(job)
    steps = [int(part) if part.isdigit() else part for part in re.findall(r"\w+", path)]
    node: Any = changed
    for step, following in pairwise(steps):
        node = _child(node, step, [] if isinstance(following, int) else {})
    if value is not Removed.REMOVED:
        _put(node, steps[-1], value)
    elif _has(node, steps[-1]):
        del node[steps[-1]]
    return changed


def _child(node: Any, step: int | str, empty: Any) -> Any:
    if not (_has(node, step) and isinstance(node[step], type(empty))):
        _put(node, step, empty)
    return node[step]


def _has(node: Any, step: int | str) -> bool:
    return step < len(node) if isinstance(step, int) else step in node


def _put(node: Any, step: int | str, value: object) -> None:
    if isinstance(step, int) and step == len(node):
        node.append(value)
    else:
        node[step] = value
