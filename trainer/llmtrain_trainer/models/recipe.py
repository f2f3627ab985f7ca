"""Recipes for a stage's model: new from a shape, or loaded from a folder."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from llmtrain_api.families.base import Architecture
from llmtrain_api.families.config_keys import ShapeError
from llmtrain_api.spec.model import Initialization, Model
from llmtrain_planner.architecture import count_parameters, resolve_architecture
from llmtrain_planner.flops import training_flops_per_token
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.files import sha256
from llmtrain_trainer.models.build import new_model
from llmtrain_trainer.models.config import model_config, shape_of
from llmtrain_trainer.models.stored import load_model, stored_config


@dataclass(frozen=True)
class ModelRecipe:
    """A builder of a stage's model, with facts known before it is built."""

    build: Callable[[], PreTrainedModel]
    new_weights: bool
    """Whether the weights are still to be initialized."""
    architecture: Architecture | None
    """Shape of the model; None for a pretrained one of a family without a file in
    `llmtrain_api.families`."""
    num_parameters: int
    dropout: bool
    """Whether the model may have any dropout."""
    fingerprint: str
    initialization: Initialization | None = None
    """How new weights are drawn; None for the family's own way."""

    def flops_per_token(self, sequence_length: int) -> int | None:
        """Forward and backward FLOPs for each token; None where unknown."""
        if self.architecture is None:
            return None
        return training_flops_per_token(self.architecture, sequence_length)


def new_recipe(model: Model, *, vocabulary_size: int, context_length: int) -> ModelRecipe:
    """The recipe of a model of the manifest's shape.

    Args:
        model: the section.
        vocabulary_size: vocabulary size of the tokenizer.
        context_length: longest sequence of the stage, in tokens.

    Raises:
        UserError: the shape is impossible.
    """
    try:
        shape = resolve_architecture(
            model, vocabulary_size=vocabulary_size, context_length=context_length
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    if shape.vocabulary_size < vocabulary_size:
        raise UserError(
            f"model.vocabularySize: {shape.vocabulary_size} is smaller than the tokenizer's "
            f"{vocabulary_size}; remove it, or set at least as many"
        )
    dropout = model.dropout or 0.0
    return ModelRecipe(
        build=lambda: new_model(
            model_config(shape, dropout=dropout, balance_weight=model.balance_weight)
        ),
        new_weights=True,
        architecture=shape,
        num_parameters=count_parameters(shape),
        dropout=dropout > 0,
        fingerprint=json.dumps(
            shape.family.to_config(shape, dropout=dropout) | _choices(model), sort_keys=True
        ),
        initialization=model.initialization,
    )


def _choices(model: Model) -> dict[str, object]:
    """What decides the path of training beside the config; nothing where nothing is chosen."""
    return model.model_dump(include={"balance_weight", "initialization"}, exclude_none=True)


def pretrained_recipe(
    folder: Path, *, dropout: float | None = None, balance_weight: float | None = None
) -> ModelRecipe:
    """The recipe of a model in a folder.

    Args:
        folder: folder of the model.
        dropout: for training; None leaves the model's own.
        balance_weight: weight of the term that balances experts, likewise.

    Raises:
        UserError: there is none, or none that can be loaded safely, or of an impossible shape, or
            it has no experts to be balanced.
    """
    shape = stored_shape(folder)
    if balance_weight is not None and (shape is None or shape.feed_forward.experts is None):
        raise UserError(
            f"model.balanceWeight: the model in {folder} has no experts that llmtrain knows; "
            "remove the field"
        )
    weights = sorted(folder.glob("*.safetensors"))
    # Nothing where nothing is chosen, so that finished work stays finished.
    chosen = () if balance_weight is None else (balance_weight,)
    return ModelRecipe(
        build=lambda: load_model(folder, dropout=dropout, balance_weight=balance_weight),
        new_weights=False,
        architecture=shape,
        num_parameters=count_parameters(shape) if shape else _stored_parameters(weights),
        dropout=dropout != 0,
        fingerprint=repr(([sha256(path) for path in weights], dropout, *chosen)),
    )


def stored_shape(folder: Path) -> Architecture | None:
    """The shape of the model in a folder; None for a family unknown to `llmtrain_api.families`.

    Raises:
        UserError: there is no model that can be loaded safely, or it has an impossible shape.
    """
    try:
        return shape_of(stored_config(folder))
    except ShapeError as error:
        raise UserError(f"{folder}/config.json: {error}", reason="InvalidModel") from error


def _stored_parameters(weights: list[Path]) -> int:
    from safetensors import safe_open

    total = 0
    for path in weights:
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                size = 1
                for length in file.get_slice(name).get_shape():
                    size *= length
                total += size
    return total
