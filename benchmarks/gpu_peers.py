"""What users would train the same model with instead, each as its own documents have it."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from gpu_clock import StepClock
from gpu_plain import train_plainly
from torch import Tensor
from torch.utils.data import Dataset

from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.training import Precision
from llmtrain_trainer.models.build import initialize
from llmtrain_trainer.pretrain.task import pretrain_task
from llmtrain_trainer.training.mesh import device
from llmtrain_trainer.training.samples import Samples


class _Sequences(Dataset[dict[str, torch.Tensor]]):
    """Samples as the Trainer takes them: it shifts the labels itself."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        ids = torch.from_numpy(self._samples.batch(np.array([number])).input_ids[0])
        return {"input_ids": ids, "labels": ids}


def hugging_face_trainer(config: RunConfig, clock: StepClock) -> None:
    """The Trainer of transformers with a fused AdamW, compiled."""
    assert config.pretrain is not None, "the rows are of pretraining"
    _train_with_trainer(config, clock, torch_compile=bool(config.pretrain.compile))


def hugging_face_trainer_with_liger(config: RunConfig, clock: StepClock) -> None:
    """The Trainer of transformers with Liger's kernels, eager."""
    _train_with_trainer(config, clock, use_liger_kernel=True)


def _train_with_trainer(config: RunConfig, clock: StepClock, **options: Any) -> None:  # noqa: ANN401
    from transformers import Trainer, TrainerCallback, TrainingArguments

    task = pretrain_task(config)
    training, batch = task.settings.training, task.settings.batch
    model = task.build_model()
    initialize(model, seed=config.seed, gather=lambda _: nullcontext())

    class Steps(TrainerCallback):  # type: ignore[misc]  # transformers has no types
        def on_step_end(self, *_: object, **__: object) -> None:
            clock.step_ended()

    cuda = device().type == "cuda"
    arguments = TrainingArguments(
        output_dir=config.workspace,
        max_steps=task.settings.total_steps,
        per_device_train_batch_size=batch.micro_batch_size,
        gradient_accumulation_steps=batch.accumulation_steps,
        learning_rate=training.optimizer.learning_rate,
        max_grad_norm=training.optimizer.clip,
        bf16=training.precision is Precision.BF16,
        optim="adamw_torch_fused" if cuda else "adamw_torch",
        use_cpu=not cuda,
        dataloader_num_workers=0,
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        **options,
    )
    Trainer(
        model=model, args=arguments, train_dataset=_Sequences(task.samples), callbacks=[Steps()]
    ).train()


def litgpt(config: RunConfig, clock: StepClock) -> None:
    """LitGPT's Llama of the same shape in a plain loop, compiled."""
    from litgpt.config import Config
    from litgpt.model import GPT
    from litgpt.utils import chunked_cross_entropy

    task = pretrain_task(config)
    training = task.settings.training
    like = task.build_model().config
    with device():
        model = GPT(
            Config(
                block_size=training.sequence_length,
                n_layer=like.num_hidden_layers,
                n_head=like.num_attention_heads,
                n_embd=like.hidden_size,
                vocab_size=like.vocab_size,
                padding_multiple=128,
                parallel_residual=False,
                rotary_percentage=1.0,
                bias=False,
                norm_class_name="RMSNorm",
                mlp_class_name="LLaMAMLP",
                intermediate_size=like.intermediate_size,
            )
        )
    model.max_seq_length = training.sequence_length
    called = torch.compile(model) if training.compile else model

    def loss(input_ids: Tensor, labels: Tensor) -> Tensor:
        mean: Tensor = chunked_cross_entropy(called(input_ids), labels, chunk_size=0)
        return mean

    train_plainly(task, model, loss, clock)


LOOPS: dict[str, Callable[[RunConfig, StepClock], None]] = {
    "trainer": hugging_face_trainer,
    "trainer-liger": hugging_face_trainer_with_liger,
    "litgpt": litgpt,
}
