"""DeepSpeed's engine: the only file that trains with it."""

import os
import pickle
import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch import distributed as dist
from transformers import PreTrainedModel

from llmtrain_api.spec.model import Initialization
from llmtrain_api.spec.training import (
    ActivationCheckpointing,
    Offload,
    Precision,
    Training,
    ZeroStage,
)
from llmtrain_trainer.models.build import initialize
from llmtrain_trainer.training.attention import use_own_attention
from llmtrain_trainer.training.compiling import compile_blocks, is_compiled, may_compile
from llmtrain_trainer.training.deepspeed_settings import (
    clip_without_waiting,
    deepspeed_config,
    fit_buckets,
)
from llmtrain_trainer.training.experts import watch_experts
from llmtrain_trainer.training.fp8 import use_fp8
from llmtrain_trainer.training.mesh import Mesh, device
from llmtrain_trainer.training.offloading import offload_inputs
from llmtrain_trainer.training.output_loss import with_output_loss
from llmtrain_trainer.training.recomputation import chosen_checkpointing, recompute_blocks
from llmtrain_trainer.training.snapshot import Snapshot
from llmtrain_trainer.training.task import TrainingTask
from llmtrain_trainer.training.tensor_parallel import (
    gradient_norm,
    joined_tensor_group,
    require_splittable,
    split_model,
    whole,
)

# torch renamed collectives that DeepSpeed still calls by their old names.
warnings.filterwarnings("ignore", "`torch.distributed", FutureWarning)

if not torch.cuda.is_available():
    os.environ.setdefault("DS_ACCELERATOR", "cpu")

import deepspeed  # noqa: E402 - it looks for an accelerator at once
import deepspeed.ops  # noqa: E402 - it looks for an accelerator at once
from deepspeed.ops.op_builder.all_ops import ALL_OPS  # noqa: E402 - it looks for an accelerator at once
from transformers.integrations import HfDeepSpeedConfig  # noqa: E402 - it looks for an accelerator at once

from llmtrain_trainer.training.capture import Capture  # noqa: E402 - imports DeepSpeed
from llmtrain_trainer.training.deepspeed_files import unsafe_checkpoint  # noqa: E402 - imports DeepSpeed

_TAG = "deepspeed"

if not torch.cuda.is_available():
    # DeepSpeed would compile a shared-memory all-reduce for CPU inference, which training through
    # gloo never calls; without it no compiler is needed, and the start is a minute shorter.
    deepspeed.ops.__compatible_ops__ = dict.fromkeys(ALL_OPS, False)


class Engine:
    """A model, its optimizer and its gradients, sharded by ZeRO.

    Args:
        task: what to train.
        mesh: the ranks that share it.
        from_universal: whether `load` reads a resharded checkpoint.
    """

    def __init__(self, task: TrainingTask, mesh: Mesh, *, from_universal: bool) -> None:
        settings = task.settings
        self._mesh = mesh
        self._sharded = settings.training.zero.stage is ZeroStage.PARAMETERS
        tensor = mesh.dims.tensor
        split = require_splittable(task, tensor).family.tensor_split if tensor > 1 else None
        config = deepspeed_config(settings, ranks=mesh.dims.zero_ranks)
        config["checkpoint"] = {"load_universal": from_universal, "tag_validation": "Ignore"}
        # transformers shards a model as it is made while such an object lives (ZeRO-3 only). One
        # that is split is sharded afterwards: ZeRO shards a part over the ranks that hold it.
        keep_alive = HfDeepSpeedConfig(config) if split is None else None
        model = task.build_model()
        del keep_alive
        if task.new_weights:
            initialize(
                model,
                seed=settings.seed,
                gather=self._whole,
                device=device(),
                depth_scaled=task.initialization is Initialization.DEPTH_SCALED,
            )
        compiled = is_compiled(settings.training.compile, device())
        if settings.training.precision is Precision.FP8:
            use_fp8(model, device())
        use_own_attention(model)
        self.balance = watch_experts(model)
        with_output_loss(model, compiled=compiled)
        recomputed = chosen_checkpointing(task, mesh)
        recompute_blocks(model, recomputed)
        balanced = self.balance is not None
        # AutoTP exchanges the layers of the blocks afterwards, for some that no graph can hold.
        if (
            compiled
            and split is None
            and may_compile(model, balanced=balanced, recomputed=recomputed)
        ):
            compile_blocks(model, whole=not self._sharded)
        if recomputed is ActivationCheckpointing.OFFLOAD:
            offload_inputs(model)
        self._frozen = any(not p.requires_grad for p in model.parameters())
        self._adamw = _optimizer(model, settings.training)
        fit_buckets(config, model)
        if split is not None:
            split_model(config, model, split, tensor)
        self._engine, _, _, _ = deepspeed.initialize(
            model=model, optimizer=self._adamw, config=config
        )
        self._tensor_group: dist.ProcessGroup | None = None
        if split is not None:
            self._tensor_group = joined_tensor_group(self._engine, mesh)
        if settings.training.zero.stage in {ZeroStage.OPTIMIZER, ZeroStage.GRADIENTS}:
            clip_without_waiting(self._engine.optimizer)
        # What is offloaded fills the host's memory: there is no room for a copy of it.
        self._capture = Capture(
            copies=settings.training.zero.offload is Offload.NONE,
            ranks_here=mesh.all.count_here(),
        )
        self._engine.checkpoint_engine = self._capture
        self.model: nn.Module = self._engine

    @property
    def decoder(self) -> PreTrainedModel:
        """The model below DeepSpeed, with its config."""
        decoder: PreTrainedModel = self._engine.module
        return decoder

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of one micro batch; after the last of a step they are reduced."""
        self._engine.backward(loss)

    def step(self, learning_rate: float) -> Tensor:
        """Take the optimizer step.

        Returns:
            The norm of the gradient before it was clipped: a scalar, on the device.
        """
        norm = self._own_gradient_norm() if self._has_plain_optimizer else None
        for group in self._engine.optimizer.param_groups:
            group["lr"] = learning_rate
        self._engine.step()
        return torch.as_tensor(self._engine.get_global_grad_norm() if norm is None else norm)

    def end_micro_step(self) -> None:
        """Tell DeepSpeed that a micro batch other than the step's last is done."""
        self._engine.step()

    def snapshot(self) -> Snapshot:
        """This rank's part of the state; the snapshot before has to be written. Collective."""
        return self._capture.snapshot(self._engine, _TAG, without_frozen=self._frozen)

    def close(self) -> None:
        """Let go of all memory; the engine cannot be used any more."""
        self._engine.destroy()
        self._adamw.state.clear()
        del self._engine, self._adamw, self.model

    def load(self, folder: Path) -> None:
        """Read the state of a checkpoint. Collective.

        Raises:
            UserError: it holds more than weights.
        """
        decays = [group["weight_decay"] for group in self._adamw.param_groups]
        try:
            loaded, _ = self._engine.load_checkpoint(
                folder, tag=_TAG, load_module_strict=not self._frozen
            )
        except pickle.UnpicklingError as error:
            raise unsafe_checkpoint(error, folder) from error
        assert loaded is not None, f"DeepSpeed found nothing in {folder}"
        # From a universal checkpoint, ZeRO-3 gives all groups the first one's weight decay, and
        # all parameters the same step counter, which each of them then moves.
        for group, decay in zip(self._adamw.param_groups, decays, strict=True):
            group["weight_decay"] = decay
        for state in self._adamw.state.values():
            state["step"] = torch.as_tensor(state["step"]).clone()

    def full_weights(self) -> dict[str, object]:
        """All weights and saved buffers by name, on the CPU of rank 0 alone. Collective."""
        weights: dict[str, object] = {}
        module = self._engine.module
        for name, parameter in module.named_parameters():
            with self._whole([parameter]):
                weight = whole(parameter)
                if self._mesh.rank == 0:
                    weights[name] = weight.cpu().clone()
        if self._mesh.rank == 0:
            kept = module.state_dict(keep_vars=True)
            weights |= {n: b.cpu().clone() for n, b in module.named_buffers() if n in kept}
        return weights

    @property
    def _has_plain_optimizer(self) -> bool:
        """Whether DeepSpeed did not wrap the optimizer, and so reports no gradient norm."""
        return isinstance(self._engine.optimizer, torch.optim.Optimizer)

    def _own_gradient_norm(self) -> Tensor:
        return gradient_norm(self._engine.module.parameters(), self._tensor_group)

    def _whole(self, parameters: Iterable[nn.Parameter]) -> AbstractContextManager[object]:
        context: AbstractContextManager[object] = deepspeed.zero.GatheredParameters(
            list(parameters), modifier_rank=0, enabled=self._sharded
        )
        return context


def _optimizer(model: nn.Module, training: Training) -> torch.optim.Optimizer:
    """AdamW, with weight decay on matrices only."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    shapes = [getattr(p, "ds_shape", p.shape) for p in trainable]  # ZeRO-3 hides the shape
    matrices = [p for p, shape in zip(trainable, shapes, strict=True) if len(shape) > 1]
    vectors = [p for p, shape in zip(trainable, shapes, strict=True) if len(shape) <= 1]
    groups = [
        {"params": matrices, "weight_decay": training.optimizer.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    on_device = device().type == "cuda" and training.zero.offload is Offload.NONE
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=training.optimizer.learning_rate,
        betas=(training.optimizer.beta1, training.optimizer.beta2),
        eps=training.optimizer.epsilon,
        fused=on_device,
    )
