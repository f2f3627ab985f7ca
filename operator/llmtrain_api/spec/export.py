"""What the job hands over."""

from enum import StrEnum

from llmtrain_api.base import Section


class ExportFormat(StrEnum):
    """The file format of the weights."""

    SAFETENSORS = "safetensors"


class Export(Section):
    """A Hugging Face folder: weights, tokenizer with chat template, model card."""

    format: ExportFormat = ExportFormat.SAFETENSORS
