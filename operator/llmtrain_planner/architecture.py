"""A model's shape, and how many parameters it has."""

from collections.abc import Iterable, Mapping

from llmtrain_api.families import Family, find_family
from llmtrain_api.families.base import Architecture
from llmtrain_api.families.config_keys import ShapeError
from llmtrain_api.families.shape import Attention, Experts, FeedForward, Matrix
from llmtrain_api.spec.model import Model


class PlanError(ValueError):
    """The manifest or an option does not allow a plan.

    The message says which field, what is wrong, and what would be right.
    """


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
    family = model.family.definition
    return Architecture(
        family=family,
        layers=model.layers,
        hidden_size=model.hidden_size,
        attention=Attention(
            heads=model.heads,
            key_value_heads=model.key_value_heads or model.heads,
            head_size=model.head_size or model.hidden_size // model.heads,
            rotary_share=family.rotary_share,
            bias=family.attention_bias,
        ),
        feed_forward=FeedForward(
            width=model.intermediate_size or family.default_feed_forward_width(model.hidden_size),
            bias=family.feed_forward_bias,
            experts=_experts(model),
        ),
        vocabulary_size=model.vocabulary_size or vocabulary_size,
        context_length=model.context_length or context_length,
        tie_embeddings=model.tie_embeddings,
        window=model.sliding_window or family.new_window,
        details=family.details_of(family.constants),
    )


def _experts(model: Model) -> Experts | None:
    default = model.family.definition.new_experts
    if default is None:
        return None
    return Experts(model.experts or default.number, model.experts_per_token or default.per_token)


def architecture_from_config(config: Mapping[str, object]) -> Architecture:
    """The shape of a pretrained model.

    Args:
        config: the content of its config.json.

    Raises:
        PlanError: it is of a family or a shape that is not supported.
    """
    family = find_family(config.get("model_type"))
    if family is None:
        raise PlanError(
            f"config.json: model_type is {config.get('model_type')!r}; "
            f"supported are {', '.join(Family)}"
        )
    try:
        return family.from_config(config)
    except ShapeError as error:
        raise PlanError(f"config.json: {error}") from error


def count_parameters(architecture: Architecture) -> int:
    """Parameters of the `transformers` model of this shape, exactly; shared weights count once."""
    family = architecture.family
    embedding = architecture.vocabulary_size * family.embedding_width(architecture)
    output = 0 if architecture.tie_embeddings else embedding
    others = sum(matrix.parameters for matrix in family.other_matrices(architecture))
    blocks = architecture.layers * count_block_parameters(architecture)
    return embedding + output + others + family.other_parameters(architecture) + blocks


def count_block_parameters(architecture: Architecture) -> int:
    """Parameters of a transformer block."""
    family = architecture.family
    matrices = sum(matrix.parameters for matrix in family.block_matrices(architecture))
    return matrices + family.block_norm_parameters(architecture)


def count_expert_parameters(architecture: Architecture) -> int:
    """Parameters of all experts of a block; 0 for a model without."""
    matrices = architecture.family.block_matrices(architecture)
    return sum(each.parameters for each in matrices if each.count > 1)


def largest_parameter(architecture: Architecture, *, adapter_rank: int | None = None) -> int:
    """Elements of the largest tensor of weights that learns.

    Args:
        architecture: the model's shape.
        adapter_rank: rank of the adapters, where they alone learn.
    """
    matrices = architecture.family.block_matrices(architecture)
    if adapter_rank is not None:
        adapted = (each for each in matrices if each.adapted)
        return adapter_rank * max(max(each.inputs, each.outputs) for each in adapted)
    embedding = architecture.vocabulary_size * architecture.family.embedding_width(architecture)
    return max(embedding, *(each.count * each.inputs * each.outputs for each in matrices))


def count_active_block_weights(architecture: Architecture) -> int:
    """Weights of a transformer block that a token is multiplied with."""
    return sum(each.active_weights for each in architecture.family.block_matrices(architecture))


def count_lora_parameters(architecture: Architecture, rank: int) -> int:
    """Parameters of low-rank adapters on every linear layer but the output (Hu et al. 2021)."""
    family = architecture.family
    of_block = _adapter_sizes(family.block_matrices(architecture))
    others = _adapter_sizes(family.other_matrices(architecture))
    return rank * (architecture.layers * of_block + others)


def _adapter_sizes(matrices: Iterable[Matrix]) -> int:
    return sum(each.count * (each.inputs + each.outputs) for each in matrices if each.adapted)
