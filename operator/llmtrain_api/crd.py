"""The CustomResourceDefinition of LLMTrainingJob, made from the models and from nothing else."""

from typing import Any

from llmtrain_api import names
from llmtrain_api.base import rule
from llmtrain_api.job import JobSpec
from llmtrain_api.status import JobStatus
from llmtrain_api.structural_schema import (
    Schema,
    open_schema,
    structural_schema,
    without_defaults_in_lists,
)
from llmtrain_api.upgrade.definition import keep_what_is_stored

_MUTABLE_SECTION = "policy"

_COLUMNS = (
    ("Phase", "string", ".status.phase", "Phase of the job."),
    ("Stage", "string", ".status.progress.stage", "The stage that runs."),
    (
        "Progress",
        "integer",
        ".status.progress.percent",
        "Progress of the whole pipeline in percent.",
    ),
    ("Loss", "number", ".status.progress.loss", "Training loss of the newest step."),
    (
        "ETA",
        "integer",
        ".status.progress.pipelineEtaSeconds",
        "Seconds to the end of the pipeline.",
    ),
    ("Spent", "string", ".status.cost.spentUsd", "Cost so far, in US dollars."),
    ("Age", "date", ".metadata.creationTimestamp", "Time since the job was created."),
)
_WIDE_COLUMNS = (
    (
        "Reason",
        "string",
        '.status.conditions[?(@.type=="Ready")].reason',
        "Why the job is where it is.",
    ),
)
"""Columns of `kubectl get -o wide`."""


def custom_resource_definition() -> dict[str, Any]:
    """The definition, ready to be written as YAML and applied."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.PLURAL}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "names": {
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "singular": names.SINGULAR,
                "shortNames": [names.SHORT_NAME],
                "categories": ["all"],
            },
            "scope": "Namespaced",
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "description": description, **more}
            for columns, more in ((_COLUMNS, {}), (_WIDE_COLUMNS, {"priority": 1}))
            for name, kind, path, description in columns
        ],
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": _job_schema()},
    }


def _job_schema() -> Schema:
    spec = without_defaults_in_lists(structural_schema(JobSpec))
    # Without a generation that was observed, GitOps tools would take a new job for done.
    status = _filled_in(open_schema(structural_schema(JobStatus)))
    keep_what_is_stored(spec, status)
    validations = [*spec.pop("x-kubernetes-validations"), *_immutability(spec)]
    return {
        "description": "One job from raw text to an evaluated model.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": {**spec, "x-kubernetes-validations": validations},
            "status": status,
        },
        "x-kubernetes-validations": [
            rule(
                f"self.metadata.name.size() <= {names.JOB_NAME_MAX_LENGTH}",
                f"metadata.name must have at most {names.JOB_NAME_MAX_LENGTH} characters",
            ),
            rule(
                f"self.metadata.name.matches('{names.JOB_NAME_PATTERN}')",
                "metadata.name must be lower case letters, digits and hyphens,"
                " with a letter or digit at both ends",
            ),
        ],
    }


def _filled_in(section: Schema) -> Schema:
    """A section that is there from the beginning, with the defaults of its fields."""
    fields = section["properties"].items()
    return {
        **section,
        "default": {k: field["default"] for k, field in fields if "default" in field},
    }


def _immutability(spec: Schema) -> list[dict[str, Any]]:
    """Transition rules: a running job is what it was when it was applied, but for its policy."""
    return [
        {
            **rule(
                _unchanged(section, always_there="default" in schema),
                f"{section} cannot be changed; only {_MUTABLE_SECTION} can. "
                "Delete the job and apply it anew",
            ),
            "reason": "FieldValueForbidden",
            "fieldPath": f".{section}",
        }
        for section, schema in spec["properties"].items()
        if section != _MUTABLE_SECTION
    ]


def _unchanged(section: str, *, always_there: bool) -> str:
    same = f"self.{section} == oldSelf.{section}"
    if always_there:
        return same
    return f"has(self.{section}) == has(oldSelf.{section}) && (!has(self.{section}) || {same})"
