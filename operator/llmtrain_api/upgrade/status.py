"""Reads the status of a job that 0.1 or this version has stored."""

from typing import Any

from pydantic import ValidationError

from llmtrain_api.names import submission_id
from llmtrain_api.status import JobStatus

Json = dict[str, Any]

_OF_RUN = ("state", "startTime", "completionTime", "retryTime", "reason", "message", "failures")
_OF_ATTEMPT = {"attemptTime": "startTime", "stopTime": "stopTime", "lostPod": "lostPod"}
"""Fields of a stage in 0.1 that are fields of its newest attempt now."""
_FOUND_ANEW = {("phase",), ("conditions",), ("progress",)}
"""Parts of a status that follow from the others and from the job's objects."""
_RENAMED = {"progress": {"lineEtaSeconds": "pipelineEtaSeconds"}}


def stored_status(status: Any, name: str, uid: str) -> JobStatus:  # noqa: ANN401 - any JSON value
    """The status of a job; what a newer version has added is left out.

    Its fields are passed over. Its values, such as a phase that is unknown here, are left out with
    the part that they are in, where the next reconcile finds that part anew. A job that has ended
    is not reconciled again.

    Args:
        status: the status as the API server has it.
        name: name of the job.
        uid: UID of the job.

    Raises:
        ValidationError: a value is unknown in a part that nothing but the status knows, or it is
            no status at all.
    """
    body = upgraded_status(status, name, uid)
    try:
        return JobStatus.model_validate(body, extra="ignore")
    except ValidationError as error:
        strange = {fault["loc"][:1] for fault in error.errors(include_url=False)}
        if not strange <= _FOUND_ANEW or "completionTime" in body:
            raise
    known = {part: value for part, value in body.items() if (part,) not in strange}
    return JobStatus.model_validate(known, extra="ignore")


def upgraded_status(status: Any, name: str, uid: str) -> Any:  # noqa: ANN401 - any JSON value
    """A status as this version writes it; one of this version is unchanged.

    What 0.1 could not have stored is left as it is, for the models to refuse.

    Args:
        status: the status as the API server has it.
        name: name of the job.
        uid: UID of the job.
    """
    stages = status.get("stages") if isinstance(status, dict) else None
    if not isinstance(stages, list) or not any(map(_is_old_stage, stages)):
        return status
    new = {**status, "stages": [_stage(stage, name, uid) for stage in stages]}
    for section, fields in _RENAMED.items():
        if isinstance(new.get(section), dict):
            new[section] = {fields.get(key, key): value for key, value in new[section].items()}
    if "plan" in new:
        new["plan"] = with_counted_tokens(new["plan"])
    return new


def with_counted_tokens(part: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A plan, or a stage's outcome, with tokens by stage; 0.1 counted those of finetune alone."""
    if not isinstance(part, dict) or "finetuneTokens" not in part:
        return part
    rest = {key: value for key, value in part.items() if key != "finetuneTokens"}
    return rest | {"countedTokens": [{"stage": "finetune", "tokens": part["finetuneTokens"]}]}


def _is_old_stage(stage: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether it is a stage as 0.1 stored it: with a name, and the number of its attempt."""
    return (
        isinstance(stage, dict)
        and "runs" not in stage
        and isinstance(stage.get("name"), str)
        and isinstance(stage.get("attempt", 0), int)
    )


def _stage(stage: Any, name: str, uid: str) -> Any:  # noqa: ANN401 - any JSON value
    """A stage with its run; in 0.1 it had the fields of both."""
    if not _is_old_stage(stage):
        return stage
    run = {key: stage[key] for key in _OF_RUN if key in stage}
    number = stage.get("attempt", 0)
    if "submissionId" not in stage:
        number -= 1  # while nothing was recorded, 0.1 named the attempt to come
    if number >= 0:
        run["attempt"] = {
            "number": number,
            "submissionId": submission_id(name, uid, stage["name"], number),
            "startTime": stage.get("startTime", ""),
        }
        run["attempt"] |= {new: stage[old] for old, new in _OF_ATTEMPT.items() if old in stage}
    return {"name": stage["name"], "runs": [run]}
