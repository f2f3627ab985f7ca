"""From the manifest's model section to a shape with every default filled in."""

from llmtrain_api.spec.model import Model
from llmtrain_planner.families import family_arithmetic
from llmtrain_planner.families.base import Architecture

__all__ = ["Architecture", "resolve_architecture"]


def resolve_architecture(
    model: Model, *, vocabulary_size: int, context_length: int
) -> Architecture:
    """Fill in the defaults that `llmtrain_api.spec.model` documents.

    Args:
        model: the manifest's section.
        vocabulary_size: rows of the embedding where the manifest does not say.
        context_length: longest sequence, in tokens, where the manifest does not say.

    Raises:
        ValueError: the shape is that of a pretrained model.
    """
    if model.layers is None or model.hidden_size is None or model.heads is None:
        raise ValueError("model.initFrom: the shape stands in the pretrained model's config.json")
    family = family_arithmetic(model.family)
    return Architecture(
        family=model.family,
        layers=model.layers,
        hidden_size=model.hidden_size,
        heads=model.heads,
        key_value_heads=model.key_value_heads or model.heads,
        intermediate_size=model.intermediate_size
        or family.default_intermediate_size(model.hidden_size),
        vocabulary_size=model.vocabulary_size or vocabulary_size,
        context_length=model.context_length or context_length,
        tie_embeddings=model.tie_embeddings,
    )
