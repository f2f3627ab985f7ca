"""The section of a second fine-tuning, as a newcomer would add it to `llmtrain_api/spec`."""

from llmtrain_api.spec.finetune import Finetune


class Tune(Finetune):
    """Fine-tuning once more, on other conversations."""
