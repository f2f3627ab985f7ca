"""Reads a manifest as the API server would: what is taken here is taken there."""

import json
from typing import Any

from llmtrain_api.spec.job import LLMTrainingJob


def parse_job(document: Any) -> LLMTrainingJob:  # noqa: ANN401 - any JSON value may be given
    """The job that a document describes, defaults filled in.

    Types are not converted: a number in quotes is not a number. A field that is null counts as
    left out.

    Args:
        document: parsed YAML or JSON.

    Raises:
        pydantic.ValidationError: where the document is not a valid job.
        ValueError, TypeError: where the document holds what JSON cannot say (a date, infinity).
    """
    text = json.dumps(_without_nulls(document), allow_nan=False)
    return LLMTrainingJob.model_validate_json(text, strict=True)


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key: _without_nulls(child) for key, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_without_nulls(child) for child in value]
    return value
