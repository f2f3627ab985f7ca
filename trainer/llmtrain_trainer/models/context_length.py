"""How many tokens a model can look at."""

from transformers import PretrainedConfig

_WITHOUT_LIMIT = 2048
"""For families whose attention has no longest distance (ALiBi): enough, and it fits in memory."""


def context_limit(config: PretrainedConfig) -> int | None:
    """Longest sequence in tokens; None where the family sets no limit."""
    limit: int | None = getattr(config, "max_position_embeddings", None)
    return limit


def context_length(config: PretrainedConfig) -> int:
    """Longest sequence to give to a model, in tokens."""
    return context_limit(config) or _WITHOUT_LIMIT
