"""Working memory of one worker in a forward and backward pass: activations and logits.

Source: Korthikanti et al. 2022. Full recomputation keeps 2 s b h bytes a layer (section 4.3); what
a block keeps without it is counted by its family. Two moments can be the peak of a pass:

- the loss: all that the blocks keep, a chunk of the logits, and the gradients of the output layer;
- the backward pass: all that the blocks keep, and either the gradients that the loss has left, or
  one block's recomputed activations and gradients.
"""

from dataclasses import dataclass

from llmtrain_api.families.base import Architecture
from llmtrain_api.spec.training import ActivationCheckpointing
from llmtrain_planner.architecture import count_block_parameters
from llmtrain_planner.model_states import FP32_BYTES

_VOCABULARY_MULTIPLE = 128
_CHUNK_BYTES = 2**28
_CAST_BYTES = 2


def padded_vocabulary(size: int) -> int:
    """Rows of the output layer in its matrix products: the next multiple of 128.

    cuBLAS has fast bf16 kernels only for sizes that are multiples of 8, and its best for those of
    whole tiles.
    """
    return -(-size // _VOCABULARY_MULTIPLE) * _VOCABULARY_MULTIPLE


def logits_chunk_tokens(vocabulary_size: int) -> int:
    """Tokens whose logits exist at a time: as many as have 256 MiB of them in fp32."""
    tokens = _CHUNK_BYTES // (FP32_BYTES * padded_vocabulary(vocabulary_size))
    return max(tokens // _VOCABULARY_MULTIPLE, 1) * _VOCABULARY_MULTIPLE


@dataclass(frozen=True)
class WorkingMemory:
    """Bytes of one moment."""

    activations: int = 0
    logits: int = 0


@dataclass(frozen=True)
class ForwardPass:
    """All that the working memory depends on."""

    architecture: Architecture
    tokens: int
    """Tokens of one forward pass on one worker."""
    sequence_length: int
    value_bytes: int
    """Bytes of an activation in matrix products."""
    autocast: bool
    """Whether the weights, and what lies between the blocks, are in fp32 all the same."""
    dropout: bool
    """Whether the model has any."""
    output_learns: bool
    """Whether the output layer's weights have gradients; with LoRA they have not."""
    checkpointing: ActivationCheckpointing
    """What is recomputed in the backward pass; not `auto`."""

    @property
    def loss(self) -> WorkingMemory:
        """The moment in which a chunk of the logits exists."""
        return WorkingMemory(self._kept, self._output_loss)

    @property
    def backward(self) -> WorkingMemory:
        """The moment of the backward pass that needs most."""
        block = WorkingMemory(self._kept + self._recomputed + self._block_gradients)
        output = WorkingMemory(self._kept, self._output_gradients)
        return max(block, output, key=lambda moment: moment.activations + moment.logits)

    @property
    def block_input(self) -> int:
        """Bytes of the input of a block."""
        stream = FP32_BYTES if self.autocast else self.value_bytes
        return self.tokens * self.architecture.hidden_size * stream

    @property
    def _kept(self) -> int:
        """Bytes that all blocks keep from the forward to the backward pass."""
        layers = self.architecture.layers
        match self.checkpointing:
            case ActivationCheckpointing.SELECTIVE:
                return layers * (self.block_input + self.tokens * self._products)
            case ActivationCheckpointing.FULL:
                return layers * self.block_input
            case ActivationCheckpointing.OFFLOAD:
                return min(layers, _INPUTS_ON_DEVICE) * self.block_input
            case _:
                return layers * (self._block + self._block_casts)

    @property
    def _recomputed(self) -> int:
        """Bytes of one block's activations that are computed again in the backward pass."""
        match self.checkpointing:
            case ActivationCheckpointing.NONE:
                return 0
            case ActivationCheckpointing.SELECTIVE:
                # Products that the next operation of the block does not keep: those which are
                # added to the residual stream.
                added = 2 * self.value_bytes * self.architecture.hidden_size
                again = self._block - self.tokens * (self._products - added)
                return max(again, 0) + self._block_casts
            case _:
                return self._block + self._block_casts

    @property
    def _block(self) -> int:
        """Bytes that a block keeps without checkpointing."""
        shape = self.architecture
        kept = shape.family.block_activation_bytes(
            shape, value_bytes=self.value_bytes, dropout=self.dropout
        )
        kept += shape.family.score_bytes(
            shape, value_bytes=self.value_bytes, sequence_length=self.sequence_length
        )
        # Under autocast both norms keep an input in fp32.
        wider = 2 * (FP32_BYTES - self.value_bytes) * shape.hidden_size if self.autocast else 0
        return self.tokens * (kept + wider)

    @property
    def _block_casts(self) -> int:
        """Bytes of a block's weights as autocast has cast them; its products keep them."""
        return _CAST_BYTES * count_block_parameters(self.architecture) if self.autocast else 0

    @property
    def _block_gradients(self) -> int:
        """Bytes of the gradients inside a block, at most, beside what it keeps."""
        shape = self.architecture
        return self.tokens * shape.family.block_gradient_bytes(shape, value_bytes=self.value_bytes)

    @property
    def _products(self) -> int:
        """Bytes of the results of a block's matrix products and attention, for each token.

        Attention keeps an fp32 number for each head beside its output.
        """
        attention = self.architecture.attention
        matrices = self.architecture.family.block_matrices(self.architecture)
        outputs = sum(int(each.count * each.share * each.outputs) for each in matrices)
        values = self.value_bytes * (outputs + attention.query_size)
        scores = self.architecture.family.score_product_bytes(
            self.architecture, value_bytes=self.value_bytes, sequence_length=self.sequence_length
        )
        return values + FP32_BYTES * attention.heads + scores

    @property
    def _output_loss(self) -> int:
        """Bytes of the loss while a chunk of the logits exists (`training/output_loss.py`)."""
        value, shape = self.value_bytes, self.architecture
        mixed = value < FP32_BYTES
        rows = padded_vocabulary(shape.vocabulary_size)
        chunk = min(self.tokens, logits_chunk_tokens(shape.vocabulary_size))
        # The logits, and their fp32 copy where they are not in fp32.
        logits = chunk * rows * (value + (FP32_BYTES if mixed else 0))
        is_padded = rows != shape.vocabulary_size
        # The padded weights, those in another type, and, where they learn, the sum of their
        # gradients with a chunk's part of it.
        weights = value * is_padded + (_CAST_BYTES if self.autocast else 0)
        if self.output_learns:
            weights += FP32_BYTES + (value if mixed else 0)
        return logits + rows * shape.hidden_size * weights + self._hidden_gradients

    @property
    def _output_gradients(self) -> int:
        """Bytes of the gradients that the loss leaves, and of those times the scale of the loss."""
        shape = self.architecture
        of_weights = shape.vocabulary_size * shape.hidden_size * self.value_bytes
        return 2 * (self._hidden_gradients + (of_weights if self.output_learns else 0))

    @property
    def _hidden_gradients(self) -> int:
        return self.tokens * self.architecture.hidden_size * self.value_bytes


_INPUTS_ON_DEVICE = 2
"""Inputs of blocks on the device while the others are offloaded: that of the block which is
computed, and the one that is copied meanwhile."""
