"""How each family's shape becomes a `transformers` config. The next family is one function.

The tokens that begin and end a text are the tokenizer's: they are set when a model is saved.
"""

from collections.abc import Callable

from transformers import GPT2Config, LlamaConfig, PretrainedConfig

from llmtrain_api.spec.model import Family
from llmtrain_planner.architecture import Architecture


def _gpt2(shape: Architecture, dropout: float) -> PretrainedConfig:
    return GPT2Config(
        vocab_size=shape.vocabulary_size,
        n_positions=shape.context_length,
        n_embd=shape.hidden_size,
        n_layer=shape.layers,
        n_head=shape.heads,
        n_inner=shape.intermediate_size,
        # The same function as GPT-2's gelu_new in one kernel: it keeps 2 tensors, not 5.
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        tie_word_embeddings=shape.tie_embeddings,
        bos_token_id=None,
        eos_token_id=None,
    )


def _llama(shape: Architecture, dropout: float) -> PretrainedConfig:
    return LlamaConfig(
        vocab_size=shape.vocabulary_size,
        max_position_embeddings=shape.context_length,
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        intermediate_size=shape.intermediate_size,
        attention_dropout=dropout,
        tie_word_embeddings=shape.tie_embeddings,
        bos_token_id=None,
        eos_token_id=None,
    )


_BUILDERS: dict[Family, Callable[[Architecture, float], PretrainedConfig]] = {
    Family.GPT2: _gpt2,
    Family.LLAMA: _llama,
}


def model_config(shape: Architecture, *, dropout: float) -> PretrainedConfig:
    """The `transformers` config of a shape.

    Args:
        shape: sizes, all filled in.
        dropout: probability, for the dropouts that the family has.
    """
    return _BUILDERS[shape.family](shape, dropout)


def shape_of(config: PretrainedConfig) -> Architecture | None:
    """The shape of a pretrained model; None for a family that the planner does not know."""
    if config.model_type not in set(Family):
        return None
    hidden_size: int = config.hidden_size
    family = Family(config.model_type)
    return Architecture(
        family=family,
        layers=config.num_hidden_layers,
        hidden_size=hidden_size,
        heads=config.num_attention_heads,
        key_value_heads=getattr(config, "num_key_value_heads", config.num_attention_heads),
        intermediate_size=getattr(config, "intermediate_size", None)
        or config.n_inner
        or 4 * hidden_size,
        vocabulary_size=config.vocab_size,
        context_length=config.max_position_embeddings,
        tie_embeddings=config.tie_word_embeddings,
    )
