"""A model of the pipeline, loaded to be measured."""

from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from llmtrain_trainer.models.config import context_length, require_vocabulary
from llmtrain_trainer.models.pipeline import StoredModel
from llmtrain_trainer.models.stored import load_model
from llmtrain_trainer.models.tokenizer import load_tokenizer


@dataclass(frozen=True)
class EvaluatedModel:
    """A model on its device, ready to predict."""

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    answers_chat: bool = True
    """Whether it answers messages, given a chat template; otherwise it continues text."""

    @property
    def context_length(self) -> int:
        """Longest sequence, in tokens."""
        return context_length(self.model.config)

    @property
    def chats(self) -> bool:
        """Whether it is asked messages: it answers them, and has a template to write them with."""
        return self.answers_chat and self.tokenizer.chat_template is not None


def load_evaluated_model(stored: StoredModel) -> EvaluatedModel:
    """Load a model: in bf16 on a GPU, in fp32 on a CPU.

    Raises:
        UserError: the folder holds no model or tokenizer that can be loaded safely, or two that
            do not belong together.
    """
    tokenizer = load_tokenizer(stored.folder)
    model = load_model(stored.folder).eval()
    require_vocabulary(model.config, len(tokenizer), where=str(stored.folder))
    if torch.cuda.is_available():
        model = model.to(device="cuda", dtype=torch.bfloat16)
    return EvaluatedModel(stored.name, model, tokenizer, stored.answers_chat)
