"""Reads a manifest as the API server would: what is taken here is taken there."""

import json
from typing import Any

from llmtrain_api.job import LLMTrainingJob

_WRITTEN_BY_THE_SERVER = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""Fields of metadata that `kubectl get -o yaml` prints, and that say nothing of the job."""


def parse_job(document: Any) -> LLMTrainingJob:  # noqa: ANN401 - any JSON value may be given
    """The job that a document describes, defaults filled in.

    Types are not converted: a number in quotes is not a number. A field that is null counts as
    left out, and so does what a server has added.

    Args:
        document: parsed YAML or JSON.

    Raises:
        pydantic.ValidationError: where the document is not a valid job.
    """
    text = json.dumps(_without_nulls(as_applied(document)), allow_nan=False)
    # By its alias alone: the models' own names are for Python, the CRD does not know them.
    return LLMTrainingJob.model_validate_json(text, strict=True, by_name=False)


def as_applied(document: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A document without what a server has added, ready to be applied again."""
    if not isinstance(document, dict):
        return document
    applied = {key: value for key, value in document.items() if key != "status"}
    if isinstance(metadata := document.get("metadata"), dict):
        applied["metadata"] = {
            key: value for key, value in metadata.items() if key not in _WRITTEN_BY_THE_SERVER
        }
    return applied


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key: _without_nulls(child) for key, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_without_nulls(child) for child in value]
    return value
