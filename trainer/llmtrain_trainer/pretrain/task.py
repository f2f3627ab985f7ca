"""Pretraining as a training task."""

from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_api.workspace import Workspace
from llmtrain_planner.stage_plan import count_steps
from llmtrain_trainer.checkpoint.interval import mean_seconds_between_failures
from llmtrain_trainer.completion import fingerprint
from llmtrain_trainer.models.config import require_context, require_vocabulary
from llmtrain_trainer.models.pipeline import initial_model, model_to_make
from llmtrain_trainer.models.recipe import ModelRecipe, new_recipe, pretrained_recipe
from llmtrain_trainer.models.stored import save_model, stored_config
from llmtrain_trainer.pretrain.mixture import mixture_of, parts_of, require_enough
from llmtrain_trainer.tokens.files import TokenFile
from llmtrain_trainer.tokens.sequences import TokenSequences
from llmtrain_trainer.training.behaviour import require_trainable
from llmtrain_trainer.training.layout import stage_layout
from llmtrain_trainer.training.mixture import Mixture
from llmtrain_trainer.training.samples import SpreadSamples
from llmtrain_trainer.training.task import LoopSettings, TrainingTask


def pretrain_task(config: RunConfig) -> TrainingTask:
    """The training task of the pretrain stage's ranks.

    Raises:
        UserError: the tokens are missing or too few, or the sizes do not fit together.
    """
    pretrain = config.pretrain
    assert pretrain is not None, "the stage runs when its section is there"
    workspace = Workspace(Path(config.workspace))
    tokens = TokenFile(workspace.tokens / "train")
    held_out = TokenFile(workspace.tokens / "validation")
    recipe = _recipe(config, tokens.index.vocabulary_size, pretrain.sequence_length)
    mixture = mixture_of(config, tokens)
    parts = None
    if mixture is not None:
        require_enough(mixture, config, pretrain.total_tokens(recipe.num_parameters))
        parts = parts_of(tokens)
    return TrainingTask(
        stage=config.stage,
        attempt=config.attempt,
        settings=_settings(pretrain, config, recipe.num_parameters),
        build_model=recipe.build,
        new_weights=recipe.new_weights,
        samples=TokenSequences(tokens, pretrain.sequence_length, parts),
        validation=SpreadSamples(
            TokenSequences(held_out, pretrain.sequence_length),
            max(1, pretrain.validation.max_tokens // pretrain.sequence_length),
        ),
        validation_bytes_per_label=held_out.index.num_bytes / held_out.index.num_tokens,
        fingerprint=_fingerprint(config, recipe, tokens.index.sha256, mixture),
        checkpoints=workspace.checkpoints(config.stage),
        metrics=workspace.metrics(config.stage),
        save_model=lambda weights: save_model(
            recipe.build,
            weights,
            tokenizer=workspace.tokenizer,
            target=model_to_make(config),
        ),
        architecture=recipe.architecture,
        dropout=recipe.dropout,
        initialization=recipe.initialization,
        flops_per_token=recipe.flops_per_token(pretrain.sequence_length),
        mixture=mixture,
    )


def _recipe(config: RunConfig, vocabulary_size: int, sequence_length: int) -> ModelRecipe:
    """A new model, or the one of `model.initFrom`, for these tokens."""
    model = config.model
    assert model is not None, "the contract asks for it"
    if model.init_from is None:
        return new_recipe(model, vocabulary_size=vocabulary_size, context_length=sequence_length)
    folder = initial_model(config)
    stored = stored_config(folder)
    packing = any(training.packs_texts for training in config.trainings.values())
    require_trainable(folder, stored, packing=packing)
    require_vocabulary(stored, vocabulary_size, where=f"model.initFrom {model.init_from}")
    require_context(stored, sequence_length, field="pretrain.sequenceLength")
    return pretrained_recipe(folder, dropout=model.dropout, balance_weight=model.balance_weight)


def _settings(pretrain: Pretrain, config: RunConfig, num_parameters: int) -> LoopSettings:
    tokens = pretrain.total_tokens(num_parameters)
    return LoopSettings(
        seed=config.seed,
        total_steps=count_steps(tokens, pretrain.batch_tokens),
        training=pretrain,
        batch=stage_layout(pretrain, config),
        mean_seconds_between_failures=mean_seconds_between_failures(config.workers),
        label_smoothing=pretrain.label_smoothing,
        validate_every_steps=pretrain.validation.every_steps,
        early_stopping=pretrain.early_stopping,
    )


def _fingerprint(
    config: RunConfig, recipe: ModelRecipe, tokens_sha256: str, mixture: Mixture | None
) -> str:
    """Fingerprint of all that decides the path of training."""
    assert config.pretrain is not None
    return fingerprint(
        (
            config.pretrain.lasting_json(),
            recipe.fingerprint,
            tokens_sha256,
            str(config.seed),
            *([] if mixture is None else [mixture.fingerprint]),
        )
    )
