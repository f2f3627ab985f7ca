"""Tasks that the model could not do are refused before it is trained."""

from pathlib import Path

import pytest
from support.stage_context import stage_context

from llmtrain_api.spec.tokenizer import Algorithm
from llmtrain_trainer.data.documents import DocumentWriter
from llmtrain_trainer.data.sources.python_docs import harvest_part
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.early_checks import require_room_for_questions
from llmtrain_trainer.tokenizer.learn import learn


def test_answers_longer_than_the_context_are_refused(tmp_path: Path) -> None:
    texts = [entry.document for entry in harvest_part("argparse.py")]

    def require(sequence_length: int) -> None:
        require_room_for_questions(
            stage_context(
                "tokenizer",
                tmp_path,
                data={"sources": [{"pythonDocs": {}}]},
                model={"layers": 1, "hiddenSize": 8, "heads": 1},
                pretrain={"sequenceLength": sequence_length, "batchTokens": 4096},
                evaluate={"tasks": [{"heldOutDocs": {"questions": 5}}]},
            )
        )

    workspace = stage_context("tokenizer", tmp_path).workspace
    with DocumentWriter(workspace.documents / "validation") as validation:
        for text in texts:
            validation.write(text, "made")
    learn(Algorithm.BPE, 400, lambda: iter([texts])).save_pretrained(workspace.tokenizer)
    require(512)
    with pytest.raises(UserError, match=r"an answer of heldOutDocs has [0-9]+ tokens, .* of 16;"):
        require(16)
