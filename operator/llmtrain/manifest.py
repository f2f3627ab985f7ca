"""Reads a manifest from a file, and reports errors with the names of its fields."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from llmtrain.errors import ManifestError
from llmtrain.yaml_reader import YamlError, read_documents
from llmtrain_api.faults import describe_faults
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.named_paths import paths_from_home

_LARGEST_BYTES = 1 << 20


def load_manifest(path: str | Path) -> LLMTrainingJob:
    """The job that a YAML file describes.

    Raises:
        ManifestError: the file cannot be read, or does not hold one valid job.
    """
    document = read_document(Path(path))
    try:
        return parse_job(document)
    except ValidationError as error:
        faults = describe_faults(error, LLMTrainingJob)
        raise ManifestError("\n".join(f"{path}: {fault}" for fault in faults)) from None


def require_no_home(job: LLMTrainingJob) -> None:
    """Check that a cluster can run a manifest: no path in it starts from a home folder.

    Raises:
        ManifestError: a path does; the message names it.
    """
    if found := paths_from_home(job.spec):
        raise ManifestError(
            f"{found[0]}: a cluster has no home folder; write an absolute path, or one from the "
            "workspace on"
        )


def read_document(path: Path) -> dict[str, Any]:
    """The content of a manifest, as kubectl would send it; not validated yet.

    Raises:
        ManifestError: the file cannot be read, or does not hold exactly one document.
    """
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # a path with a NUL in it is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        raise ManifestError(f"{path}: {reason}") from error
    if len(content) > _LARGEST_BYTES:
        raise ManifestError(f"{path}: has {len(content)} bytes; a manifest has 1 MiB at most")
    try:
        documents = read_documents(content)
    except YamlError as error:
        raise ManifestError(f"{path}, line {error.line}: {error}") from error
    if len(documents) != 1 or not isinstance(documents[0], dict):
        found = f"{len(documents)} documents" if len(documents) != 1 else "none of its fields"
        raise ManifestError(
            f"{path}: should hold one LLMTrainingJob, from apiVersion on; found {found}"
        )
    return documents[0]
