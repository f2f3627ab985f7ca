"""Whether a pretrained model can be trained as `transformers` itself would train it."""

from pathlib import Path

from transformers import PretrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from llmtrain_api.families import DEFAULT_FAMILY
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.training.behaviour import observe


def require_trainable(folder: Path, config: PretrainedConfig, *, packing: bool) -> None:
    """Make sure, before anything is trained, that the model will learn from its own loss.

    Args:
        folder: of the model.
        config: its config.
        packing: whether several conversations will share a sequence.

    Raises:
        UserError: the loss would not be the one that `transformers` computes.
    """
    reason = _unsuitable(config)
    if reason is not None:
        raise _refused(folder, config, reason)
    seen = observe(config)
    if seen.unpadded_only is not None:
        raise _refused(
            folder,
            config,
            "it does not predict each token from those before it alone, or its own loss is not "
            f"that of the next token (in a tiny model of its kind {seen.unpadded_only}); "
            f"give a decoder, such as a model of the family {DEFAULT_FAMILY}",
        )
    if packing and seen.unpacked_only is not None:
        raise _refused(
            folder,
            config,
            "several conversations cannot share a sequence, since "
            f"{seen.unpacked_only}; set finetune.packing: false",
        )


def _unsuitable(config: PretrainedConfig) -> str | None:
    """What its config alone says against it."""
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        return "transformers has no causal language model of this family; give a decoder"
    if config.get_text_config(decoder=True) is not config:
        return (
            "it reads more than text (config.json holds the config of its text model inside); "
            "save its text model alone, and give that"
        )
    if getattr(config, "quantization_config", None) is not None:
        return (
            "its weights are quantized (quantization_config in config.json), and training needs "
            "them whole; give the model as it was before"
        )
    if getattr(config, "output_router_logits", False):
        return (
            "config.json sets output_router_logits, which adds a term that balances the experts "
            "to the loss, and llmtrain trains without it; set output_router_logits: false there"
        )
    return None


def _refused(folder: Path, config: PretrainedConfig, reason: str) -> UserError:
    return UserError(
        f"{folder}: a model of the family {config.model_type} cannot be trained: {reason}",
        reason="UnsuitableModel",
    )
