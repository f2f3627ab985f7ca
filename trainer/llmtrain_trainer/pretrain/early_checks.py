"""Checks of the tokens to train on as soon as they are there, before any GPU is asked for."""

import logging

from llmtrain_api.progress import bounded_warnings
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.models.recipe import new_recipe
from llmtrain_trainer.pretrain.mixture import mixture_of, require_enough, warnings
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokens.files import TokenFile

_log = logging.getLogger(__name__)


def check_mixture(context: StageContext) -> None:
    """Make sure that the sources of a mixture have the tokens that training asks of them.

    Raises:
        UserError: a source has too few for one sequence, or all reach their `maxEpochs` before the
            end of training.
    """
    config = context.config
    tokens = TokenFile(context.workspace.tokens / "train")
    mixture = mixture_of(config, tokens)
    if mixture is None:
        return
    asked = _tokens_to_train_on(config, tokens.index.vocabulary_size)
    if asked is None:
        return
    require_enough(mixture, config, asked)
    found = bounded_warnings(warnings(mixture, config, asked))
    for warning in found:
        _log.warning("%s", warning)
    context.progress.update(warnings=found)


def _tokens_to_train_on(config: RunConfig, vocabulary_size: int) -> int | None:
    """The tokens of the whole stage; None where a model that is not there yet decides them.

    Then the stage itself checks them.
    """
    model, pretrain = config.model, config.pretrain
    assert model is not None, "the contract asks for it"
    assert pretrain is not None, "the contract asks for it"
    if isinstance(pretrain.tokens, int):
        return pretrain.tokens
    if model.init_from is not None:
        return None
    recipe = new_recipe(
        model, vocabulary_size=vocabulary_size, context_length=pretrain.sequence_length
    )
    return pretrain.total_tokens(recipe.num_parameters)
