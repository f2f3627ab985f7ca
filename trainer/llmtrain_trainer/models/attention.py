"""How a family computes attention."""

from transformers import PretrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING


def attention_implementation(config: PretrainedConfig) -> str:
    """PyTorch's fused attention where the family supports it, else its own.

    It is always passed to the library: a config.json could name an implementation that would be
    fetched from the hub, which is code.
    """
    family = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    # The library says this in no other way than by a private attribute of each class.
    return "sdpa" if getattr(family, "_supports_sdpa", False) else "eager"
