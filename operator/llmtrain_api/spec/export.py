"""The export section."""

from typing import Annotated

from llmtrain_api.base import MayChange, Section
from llmtrain_api.spec.object_storage import ExportUrl
from llmtrain_api.spec.ray_service import RayService


class Export(Section):
    """A Hugging Face folder: weights (safetensors), tokenizer with chat template, model card."""

    to: Annotated[ExportUrl | None, MayChange()] = None
    """Place that the folder is also sent to: `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, a folder
    that exists, `file:///FOLDER`, or a model of the Hugging Face hub, `hf://OWNER/NAME`, which is
    created as private. Credentials come from the environment."""
    ray_service: Annotated[RayService | None, MayChange()] = None
    """A KubeRay RayService that serves the model with vLLM, as a manifest in the folder."""
