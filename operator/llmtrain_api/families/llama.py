"""Llama: rotary positions, RMSNorm, SwiGLU, no biases (Touvron et al. 2023)."""

from llmtrain_api.families.config_keys import ConfigKeys
from llmtrain_api.families.gated import LIKE_LLAMA, GatedFamily


class Llama(GatedFamily):
    """The models of `transformers.LlamaForCausalLM`."""

    name = "llama"
    vllm_architecture = "LlamaForCausalLM"
    is_in_previous = True
    keys = ConfigKeys(
        layers="num_hidden_layers",
        hidden_size="hidden_size",
        heads="num_attention_heads",
        key_value_heads="num_key_value_heads",
        head_size="head_dim",
        attention_bias="attention_bias",
        feed_forward_width="intermediate_size",
        feed_forward_bias="mlp_bias",
        vocabulary_size="vocab_size",
        context_length="max_position_embeddings",
    )
    tied_by_default = False
    tensor_split = LIKE_LLAMA
