"""Kinds of models on the hub that differ from a new one of their family, in a tiny size."""

from typing import Any

from support.architectures import tiny_shape

from llmtrain_api.families import Family

ALIBI = {
    "new_decoder_architecture": False,
    "multi_query": False,
    "parallel_attn": False,
    "alibi": True,
    "bias": True,
}
PUBLISHED: dict[str, tuple[Family, dict[str, Any]]] = {
    "Falcon 7B": (
        Family.FALCON,
        {"new_decoder_architecture": False, "num_ln_in_parallel_attn": None},
    ),
    "Falcon RW 1B": (Family.FALCON, ALIBI),
    "Falcon 2": (Family.FALCON, {"num_ln_in_parallel_attn": 1, "num_kv_heads": 2}),
    "OPT 350M": (Family.OPT, {"do_layer_norm_before": False, "word_embed_proj_dim": 16}),
    "Galactica": (Family.OPT, {"enable_bias": False, "layer_norm_elementwise_affine": False}),
    "OPT of before": (Family.OPT, {"_remove_final_layer_norm": True}),
    "Qwen3 0.6B": (Family.QWEN3, {"head_dim": 16, "tie_word_embeddings": True}),
    "Qwen3 8B": (Family.QWEN3, {"num_key_value_heads": 2, "tie_word_embeddings": False}),
    "Qwen3 with a window": (
        Family.QWEN3,
        {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1},
    ),
    "Qwen3 with YaRN": (
        Family.QWEN3,
        {
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 1e6,
                "factor": 4.0,
                "original_max_position_embeddings": 8,
            }
        },
    ),
    "Gemma 7B": (Family.GEMMA, {"head_dim": 16, "pad_token_id": 0}),
    "Gemma 2B": (Family.GEMMA, {"num_key_value_heads": 1, "pad_token_id": 0}),
    "Gemma 3 1B": (
        Family.GEMMA3_TEXT,
        {"num_key_value_heads": 1, "sliding_window": 4, "head_dim": 16, "pad_token_id": 0},
    ),
    "Gemma 3 with scaled positions": (
        Family.GEMMA3_TEXT,
        {
            "sliding_window": 4,
            "layer_types": ["sliding_attention", "full_attention"],
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            },
        },
    ),
    "Mixtral 8x7B": (
        Family.MIXTRAL,
        {"num_key_value_heads": 2, "tie_word_embeddings": False, "router_aux_loss_coef": 0.02},
    ),
    "Qwen3 30B A3B": (
        Family.QWEN3_MOE,
        {"head_dim": 16, "num_experts": 16, "num_experts_per_tok": 4, "tie_word_embeddings": False},
    ),
    "Llama 3.1": (
        Family.LLAMA,
        {
            "num_key_value_heads": 2,
            "tie_word_embeddings": False,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 5e5,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 8,
            },
        },
    ),
    "GPT-J 6B": (Family.GPTJ, {"tie_word_embeddings": False, "activation_function": "gelu_new"}),
    "Pythia": (Family.GPT_NEOX, {"tie_word_embeddings": False}),
}
"""By name, what the config.json has otherwise."""


def published_config(name: str, *, vocabulary_size: int = 301) -> dict[str, Any]:
    """The content of the config.json of a tiny model of this kind."""
    family, changes = PUBLISHED[name]
    shape = tiny_shape(family, vocabulary_size=vocabulary_size)
    return family.definition.to_config(shape, dropout=0.0) | changes
