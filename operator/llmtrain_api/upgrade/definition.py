"""Lets the definition of jobs keep, and a status write pass, what the previous version has stored.

With each write of a status the API server checks the manifest too. Where the manifest is unchanged,
it passes over wrong values. It does not pass over CEL rules about changes, nor over rules that meet
a value of another type.
"""

from collections.abc import Iterator

from llmtrain_api.base import rule
from llmtrain_api.spec.training import SPLIT_WAYS, ActivationCheckpointing
from llmtrain_api.structural_schema import Schema
from llmtrain_api.upgrade.spec import OLD_DATA_SECTIONS
from llmtrain_api.versions import MINOR, PREVIOUS


def keep_what_is_stored(spec: Schema, status: Schema) -> None:
    """Change schemas so that jobs of the previous version are kept as they are.

    New jobs are refused what this version does not have, as without it.

    Args:
        spec: schema of the manifest.
        status: schema of the status.
    """
    status["properties"]["stages"]["items"]["required"].remove("runs")  # they had one, unnamed
    for corpus in list(_sections_with(spec, "steps")):
        _keep_old_sections(corpus)
    for training in _sections_with(spec, "activationCheckpointing"):
        _keep_flag(training)


def _sections_with(section: Schema, field: str) -> Iterator[Schema]:
    """The sections, at any depth, that have a field."""
    inner = section.get("properties", {})
    if field in inner:
        yield section
    for child in inner.values():
        yield from _sections_with(child, field)


def _keep_old_sections(data: Schema) -> None:
    """Let the server keep sections that the previous version has stored; new jobs have none."""
    absent = " && ".join(f"!has(self.{name})" for name in OLD_DATA_SECTIONS)
    message = "clean, filter and dedup are data.steps now; the changelog shows how to write them"
    of_new_jobs = rule(f"oldSelf.hasValue() || ({absent})", message) | {"optionalOldSelf": True}
    data["x-kubernetes-validations"] = [*data.get("x-kubernetes-validations", []), of_new_jobs]
    for name in OLD_DATA_SECTIONS:
        data["properties"][name] = {
            "description": f"Section of jobs that llmtrain {PREVIOUS} has stored. Version {MINOR} "
            "reads it as `steps`, and refuses it in new jobs.",
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
        }


def _keep_flag(training: Schema) -> None:
    """Let the server keep the flag that the previous version had in the place of a word.

    Only a field without a type is compared whatever its value is, and CEL cannot read such a field.
    So the schema says what the rule has said.
    """
    field = training["properties"]["activationCheckpointing"]
    del field["type"]
    field["x-kubernetes-preserve-unknown-fields"] = True
    rules = training["x-kubernetes-validations"]
    training["x-kubernetes-validations"] = [
        each for each in rules if "self.activationCheckpointing" not in each["rule"]
    ]
    others = [word for word in field["enum"] if word != ActivationCheckpointing.SELECTIVE]
    words = [way.value for way in SPLIT_WAYS]
    training["allOf"] = [
        _one_of_two(
            [*others, True, False], {"zero": {"properties": {"stage": {"enum": [0, 1, 2]}}}}
        ),
        _one_of_two([*words, True, False], {"parallel": {"properties": {"tensor": {"enum": [1]}}}}),
    ]


def _one_of_two(words: list[str | bool], otherwise: Schema) -> Schema:
    """Activation checkpointing is one of these, or other fields are so."""
    return {
        "anyOf": [
            {"properties": {"activationCheckpointing": {"enum": words}}},
            {"properties": otherwise},
        ]
    }
