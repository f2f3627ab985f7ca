"""Whether a pretrained model can read what it will be given."""

from transformers import PretrainedConfig

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.config import context_limit


def require_vocabulary(model: PretrainedConfig, num_tokens: int, *, where: str) -> None:
    """Make sure that the model knows every token.

    Args:
        model: its config.
        num_tokens: of the tokenizer.
        where: the field or folder that names the model.

    Raises:
        UserError: the tokenizer has more.
    """
    if num_tokens > model.vocab_size:
        raise UserError(
            f"{where}: the tokenizer has {num_tokens} tokens, the model only {model.vocab_size} "
            "(vocab_size in its config.json); use the tokenizer that the model was trained with, "
            "which the field tokenizer.pretrained can name"
        )


def require_context(model: PretrainedConfig, sequence_length: int, *, field: str) -> None:
    """Make sure that a sequence is no longer than the model can look at.

    Args:
        model: its config.
        sequence_length: in tokens.
        field: that says so.

    Raises:
        UserError: it is longer.
    """
    limit = context_limit(model)
    if limit is not None and sequence_length > limit:
        raise UserError(
            f"{field}: {sequence_length} is longer than the model's context of {limit} tokens; "
            f"set it to {limit} or less"
        )
