"""Reads a manifest from a file, and says in the file's words what is wrong with it."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from llmtrain_api.faults import describe_faults
from llmtrain_api.manifest import parse_job
from llmtrain_api.spec.job import LLMTrainingJob

_LARGEST_BYTES = 1 << 20


class ManifestError(Exception):
    """The manifest cannot be used; the message has a line for each fault."""


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that is there twice; YAML itself would keep the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the base class's own
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                mark = key.start_mark
                raise yaml.MarkedYAMLError(problem=f"{key.value} is set twice", problem_mark=mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def load_manifest(path: Path) -> LLMTrainingJob:
    """The job that a YAML file describes.

    Raises:
        ManifestError: the file cannot be read, or does not hold one valid job.
    """
    document = _read_yaml(path)
    if not isinstance(document, dict):
        raise ManifestError(f"{path}: should hold one LLMTrainingJob, from apiVersion on")
    try:
        return parse_job(document)
    except ValidationError as error:
        faults = describe_faults(error, LLMTrainingJob)
    except (ValueError, TypeError) as error:
        faults = [str(error)]
    raise ManifestError("\n".join(f"{path}: {fault}" for fault in faults))


def _read_yaml(path: Path) -> object:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror}") from error
    if len(content) > _LARGEST_BYTES:
        raise ManifestError(f"{path}: has {len(content)} bytes; a manifest has 1 MiB at most")
    try:
        return yaml.load(content, Loader=_StrictLoader)  # noqa: S506 - it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ManifestError(f"{path}{where}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: is no YAML: {error}") from error
