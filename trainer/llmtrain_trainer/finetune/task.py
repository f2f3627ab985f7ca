"""Fine-tuning as a training task."""

from collections.abc import Callable
from pathlib import Path

from transformers import PreTrainedModel

from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.finetune import Finetune
from llmtrain_api.workspace import Workspace
from llmtrain_planner.stage_plan import count_steps
from llmtrain_trainer.checkpoint.interval import mean_seconds_between_failures
from llmtrain_trainer.completion import fingerprint
from llmtrain_trainer.files import sha256
from llmtrain_trainer.finetune.lora import merged, with_adapters
from llmtrain_trainer.finetune.packed.format import TOKENS_FILE
from llmtrain_trainer.finetune.packed.sequences import PackedSequences
from llmtrain_trainer.finetune.prepared import TOKENIZER, TRAIN, VALIDATION
from llmtrain_trainer.models.pipeline import base_model, model_to_make
from llmtrain_trainer.models.recipe import pretrained_recipe
from llmtrain_trainer.models.stored import save_model
from llmtrain_trainer.training.layout import stage_layout
from llmtrain_trainer.training.task import LoopSettings, TrainingTask


def finetune_task(config: RunConfig) -> TrainingTask:
    """The training task of the finetune stage's ranks, on prepared conversations.

    Raises:
        UserError: there is no model to start from, or the sizes do not fit together.
    """
    finetune = config.finetune
    assert finetune is not None, "the stage runs when its section is there"
    workspace = Workspace(Path(config.workspace))
    samples = PackedSequences.open(workspace.conversations / TRAIN)
    model = config.model
    recipe = pretrained_recipe(
        base_model(config).folder,
        dropout=model.dropout if model else None,
        balance_weight=model.balance_weight if model else None,
    )
    build = _builder(recipe.build, finetune, config.seed)
    return TrainingTask(
        stage=config.stage,
        attempt=config.attempt,
        settings=_settings(finetune, config, len(samples)),
        build_model=build,
        new_weights=False,
        samples=samples,
        validation=PackedSequences.open(workspace.conversations / VALIDATION),
        validation_bytes_per_label=None,
        fingerprint=_fingerprint(
            finetune, recipe.fingerprint, sha256(workspace.conversations / TRAIN / TOKENS_FILE)
        ),
        checkpoints=workspace.checkpoints(config.stage),
        metrics=workspace.metrics(config.stage),
        save_model=lambda weights: save_model(
            build,
            weights,
            tokenizer=workspace.conversations / TOKENIZER,
            target=model_to_make(config),
            finish=merged,
        ),
        architecture=recipe.architecture,
        dropout=recipe.dropout,
        flops_per_token=recipe.flops_per_token(finetune.sequence_length),
    )


def _builder(
    build: Callable[[], PreTrainedModel], finetune: Finetune, seed: int
) -> Callable[[], PreTrainedModel]:
    lora = finetune.adapters
    return build if lora is None else with_adapters(build, lora, seed)


def _settings(finetune: Finetune, config: RunConfig, num_sequences: int) -> LoopSettings:
    batch = stage_layout(finetune, config)
    return LoopSettings(
        seed=config.seed,
        total_steps=count_steps(finetune.epochs * num_sequences, batch.sequences),
        training=finetune,
        batch=batch,
        mean_seconds_between_failures=mean_seconds_between_failures(config.workers),
    )


def _fingerprint(finetune: Finetune, model: str, tokens_sha256: str) -> str:
    """Fingerprint of all that decides the path of training."""
    return fingerprint((finetune.lasting_json(), model, tokens_sha256))
