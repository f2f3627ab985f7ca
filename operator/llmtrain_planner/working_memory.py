"""What a worker needs beside its model states: activations, logits, buffers.

Three moments can be the peak of a step, and the largest counts:

- the loss: all kept activations, the logits, and their gradients;
- with activation checkpointing, the backward pass of a block: the blocks' inputs, and one block's
  recomputed activations (Korthikanti et al. 2022, section 4.3: full recomputation keeps 2 s b h
  bytes a layer);
- the optimizer step: the fp32 copy of the gradients.
"""

from dataclasses import dataclass

from llmtrain_api.families.base import Architecture

_FP32_BYTES = 4
_LOGITS_FP32_COPIES = 3
"""Log-probabilities, and two gradients: of them, and of the logits."""


@dataclass(frozen=True)
class WorkingMemory:
    """Bytes of one moment."""

    activations: int = 0
    logits: int = 0
    step: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.activations + self.logits + self.step


def peak_working_memory(
    architecture: Architecture,
    *,
    tokens: int,
    value_bytes: int,
    dropout: bool,
    checkpointing: bool,
    step_bytes: int,
) -> WorkingMemory:
    """The moment that needs most.

    Args:
        architecture: the model's shape.
        tokens: of one forward pass on one worker.
        value_bytes: bytes of an activation.
        dropout: whether the model has any.
        checkpointing: whether blocks are recomputed in the backward pass.
        step_bytes: what an optimizer step needs for itself.
    """
    block = tokens * architecture.family.block_activation_bytes(
        architecture, value_bytes=value_bytes, dropout=dropout
    )
    logits = (
        tokens * architecture.vocabulary_size * (value_bytes + _LOGITS_FP32_COPIES * _FP32_BYTES)
    )
    moments = [WorkingMemory(step=step_bytes)]
    if checkpointing:
        inputs = architecture.layers * tokens * architecture.hidden_size * value_bytes
        moments.append(WorkingMemory(activations=inputs, logits=logits))
        moments.append(WorkingMemory(activations=inputs + block))
    else:
        moments.append(WorkingMemory(activations=architecture.layers * block, logits=logits))
    return max(moments, key=lambda moment: moment.total)
