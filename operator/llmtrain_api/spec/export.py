"""The export section."""

from llmtrain_api.base import Section


class Export(Section):
    """A Hugging Face folder: weights (safetensors), tokenizer with chat template, model card."""
