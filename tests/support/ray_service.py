"""The export stage of a job that asks for a service, with a tiny model to export."""

from pathlib import Path
from typing import Any

import yaml
from support.later_stage_context import stage_context
from support.tiny_model import save_tiny, tiny_tokenizer

from llmtrain_api.stages import Stage
from llmtrain_trainer.export.stage import exported_model
from llmtrain_trainer.stage import StageContext

SECTION = {
    "image": "registry.example/ray-llm:2.60.0",
    "replicas": 3,
    "gpusPerReplica": 2,
    "gpuMemory": "24Gi",
    "serviceAccountName": "server",
    "imagePullSecrets": ["registry"],
    "nodeSelector": {"gpu": "h100"},
    "tolerations": [{"key": "gpu"}, {"key": "team", "value": "a"}],
}


def service_context(
    workspace: Path, *, context_length: int | None = None, **changes: object
) -> StageContext:
    """The context of the export stage, after a model of 64 tokens of context was trained.

    Args:
        workspace: an empty folder.
        context_length: longest sequence of the service; the model's by default.
        changes: other fields of the run config, as in JSON.
    """
    section = SECTION if context_length is None else SECTION | {"contextLength": context_length}
    line = {
        "model": {"layers": 2, "hiddenSize": 16, "heads": 2},
        "pretrain": {},
        "export": {"rayService": section},
        "claim": {"claimName": "tiny-workspace"},
    }
    context = stage_context(workspace, Stage.EXPORT, **(line | changes))
    save_tiny(context.workspace.model("pretrained"), tokenizer=tiny_tokenizer())
    return context


def exported_manifest(context: StageContext) -> Any:
    """Export the model; the content of the manifest of its service."""
    context.workspace.export.mkdir(parents=True)
    exported_model(context).make(context.workspace.export)
    return yaml.safe_load((context.workspace.export / "rayservice.yaml").read_text())
