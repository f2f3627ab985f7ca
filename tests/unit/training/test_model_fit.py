"""A model that cannot read what it would be given is refused before the first step."""

from pathlib import Path

import pytest
from support.tiny_job import pretrain_config, write_tokens
from support.tiny_model import save_tiny

from llmtrain_api.workspace import Workspace
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.evaluated_model import load_evaluated_model
from llmtrain_trainer.models.pipeline import StoredModel
from llmtrain_trainer.pretrain.task import pretrain_task


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            {"vocabulary_size": 50},
            r"model\.initFrom start: the tokenizer has 96 tokens, the model only 50 ",
        ),
        (
            {"context_length": 8},
            r"pretrain\.sequenceLength: 16 is longer than the model's context of 8 tokens",
        ),
    ],
)
def test_pretraining_goes_on_from_a_model_that_fits(
    tmp_path: Path, shape: dict[str, int], message: str
) -> None:
    write_tokens(Workspace(tmp_path))
    config = pretrain_config(tmp_path, init_from="start")
    save_tiny(tmp_path / "start")
    assert pretrain_task(config).build_model().config.vocab_size == 320
    save_tiny(tmp_path / "start", **shape)
    with pytest.raises(UserError, match=message):
        pretrain_task(config)


def test_a_model_is_not_measured_with_a_larger_tokenizer(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model", vocabulary_size=50)
    with pytest.raises(UserError, match=r"model: the tokenizer has \d+ tokens, the model only 50"):
        load_evaluated_model(StoredModel("initial", folder))
