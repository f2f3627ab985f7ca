"""From the manifest to what a training stage's memory and compute depend on."""

from llmtrain_api.families.base import Architecture
from llmtrain_api.spec.compute import Trainers, memory_bytes
from llmtrain_api.spec.training import Training
from llmtrain_planner.flops import lora_flops_per_token, training_flops_per_token
from llmtrain_planner.memory import TrainingSetup
from llmtrain_planner.parameters import count_lora_parameters, count_parameters


def training_setup(
    architecture: Architecture,
    training: Training,
    trainers: Trainers,
    *,
    micro_batch_size: int,
    dropout: bool,
) -> TrainingSetup:
    """Collect what a stage's memory depends on.

    Args:
        architecture: the model's shape.
        training: the stage's section.
        trainers: what it runs on.
        micro_batch_size: sequences of one forward pass, filled in.
        dropout: whether the model has any.
    """
    parameters = count_parameters(architecture)
    lora = training.adapters
    return TrainingSetup(
        architecture=architecture,
        parameters=parameters + (count_lora_parameters(architecture, lora.rank) if lora else 0),
        trainable=count_lora_parameters(architecture, lora.rank) if lora else parameters,
        dropout=dropout,
        precision=training.precision,
        zero_stage=training.zero.stage,
        offload=training.zero.offload,
        checkpointing=training.activation_checkpointing,
        sequence_length=training.sequence_length,
        micro_batch_size=micro_batch_size,
        replicas=trainers.replicas,
        workers_per_replica=trainers.num_workers // trainers.replicas,
        replica_memory_bytes=memory_bytes(trainers.memory),
    )


def flops_per_token(architecture: Architecture, training: Training) -> int:
    """FLOPs of the forward and backward pass for one token, recomputation not counted."""
    lora = training.adapters
    if lora:
        return lora_flops_per_token(architecture, training.sequence_length, lora.rank)
    return training_flops_per_token(architecture, training.sequence_length)
