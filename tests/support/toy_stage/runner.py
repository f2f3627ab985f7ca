"""The work of the toy stage, as a newcomer would add it to the trainer."""

from pathlib import Path

from llmtrain_api.status import EvaluationResult
from llmtrain_trainer.completion import fingerprint
from llmtrain_trainer.runner import Product, StageResult, StageRunner
from llmtrain_trainer.stage import StageContext


def _product(context: StageContext) -> Product:
    toy = context.config.toy

    def make(folder: Path) -> None:
        (folder / "words.txt").write_text(f"{toy.word}\n" * toy.times)

    inputs = fingerprint([toy.lasting_json()])
    return Product(context.workspace.root / "toy", make, inputs=lambda: inputs)


def _run(context: StageContext) -> StageResult:
    lines = (context.workspace.root / "toy" / "words.txt").read_text().splitlines()
    context.progress.update(percent=100, activity="the words are there")
    return StageResult((EvaluationResult(name="lines", model="toy", value=len(lines)),))


RUNNER = StageRunner(product=_product, run=_run)
