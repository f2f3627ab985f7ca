"""The protocol of stages: a `StageRunner`, found by the stage's name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_api.status import CountedTokens, EvaluationResult
from llmtrain_trainer.completion import made_from, mark_complete
from llmtrain_trainer.files import remove_folder, replaced_folder
from llmtrain_trainer.questions import NO_QUESTIONS, QuestionSet
from llmtrain_trainer.stage import StageContext

if TYPE_CHECKING:
    from llmtrain_trainer.training.task import TrainingTask


@dataclass(frozen=True)
class Product:
    """A folder of results, which is replaced as a whole."""

    folder: Path
    make: Callable[[Path], None]
    """Fills an empty folder that takes the product's place when it is complete."""
    inputs: Callable[[], str] | None = None
    """Fingerprint of everything that the product is made from: a product of the same inputs is not
    made again. Called before and after it is made; without it the product is always made."""
    files: tuple[Path, ...] = ()
    """Files outside the folder that are made along with it."""
    units: Path | None = None
    """Folder of finished units, with which a stopped attempt goes on; removed with the product's
    completion."""


@dataclass(frozen=True)
class StageResult:
    """Figures that a finished stage reports beside its files."""

    evaluation: tuple[EvaluationResult, ...] = ()
    counted_tokens: CountedTokens = ()
    """Estimated tokens of later stages' own data."""


class FindsQuestions(Protocol):
    """Gives the questions that a stage will ask."""

    def __call__(self, context: StageContext, *, documents_are_there: bool) -> QuestionSet:
        """The questions.

        Args:
            context: context of the stage that makes training texts.
            documents_are_there: whether the job's documents are made already.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class StageRunner:
    """The work of a stage. The driver decides where and when it runs.

    A stage's package has one in its module `runner`, as `RUNNER`. That module is imported by the
    driver of every stage, so its functions import what is heavy when they are called. A stage makes
    its product, then calls `run`: in the driver, or, for a stage that uses GPUs, in rank 0 of the
    job's worker group or as a Ray task. Then the ranks of a stage that optimizes train `task`.
    """

    product: Callable[[StageContext], Product | None] | None = None
    """The folder that the stage makes; None where this job needs none."""
    run: Callable[[StageContext], StageResult] | None = None
    """All other work of the stage; called also where its product is there already."""
    task: "Callable[[RunConfig], TrainingTask] | None" = None
    """The training task of each rank, for a stage that optimizes."""
    own_tokens: Callable[[RunConfig], int] | None = None
    """Tokens of one pass over the stage's own data, once its product is there."""
    describe: Callable[[RunConfig], str] | None = None
    """The kind of training, for the model card."""
    check_access: Callable[[StageContext], None] | None = None
    """Called before each stage of the job, with that stage's context, and again when a stage has
    fetched the model that the job starts from. Raises `UserError` where this one could not hand
    over its results."""
    check_documents: Callable[[StageContext], Iterable[str]] | None = None
    """Called as soon as there are documents: warnings about what this stage will miss in them.
    Raises `UserError` where the stage could not run, before hours are spent on others."""
    check_tokenizer: Callable[[StageContext], None] | None = None
    """The same as soon as there is a tokenizer."""
    count_tokens: Callable[[StageContext], int] | None = None
    """Estimates `own_tokens` as soon as there is a tokenizer, for the forecast."""
    questions: FindsQuestions | None = None
    """The questions that the stage will ask, for which training texts are searched."""

    def work(self, context: StageContext) -> StageResult:
        """Make the product, unless it is there already, and run."""
        product = self.product(context) if self.product else None
        if product is not None and not _is_there(product):
            with replaced_folder(product.folder) as folder:
                product.make(folder)
                if product.inputs is not None:
                    mark_complete(folder, product.inputs())
        if product is not None and product.units is not None:
            remove_folder(product.units)
            _remove_if_empty(product.units.parent)
        return self.run(context) if self.run else StageResult()

    @property
    def works(self) -> bool:
        """Whether there is anything to do before ranks train."""
        return self.product is not None or self.run is not None


def _remove_if_empty(folder: Path) -> None:
    """Remove the folder of all stages' units, unless another stage's are still there."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _is_there(product: Product) -> bool:
    if product.inputs is None or made_from(product.folder) != product.inputs():
        return False
    return all(file.is_file() for file in product.files)


def runner_of(stage: Stage) -> StageRunner:
    """The runner of a stage, from the package of the same name."""
    runner = import_module(f"llmtrain_trainer.{stage}.runner").RUNNER
    assert isinstance(runner, StageRunner), f"{stage}: RUNNER must be a StageRunner"
    return runner


def work(context: StageContext) -> StageResult:
    """Do all of a stage's work but what its ranks train."""
    return runner_of(context.config.stage).work(context)


def runners(config: RunConfig) -> list[StageRunner]:
    """The runners of all stages of a job, in order."""
    return [runner_of(stage) for stage in config.stages]


def asked_questions(context: StageContext, *, documents_are_there: bool) -> QuestionSet:
    """The questions that a stage of the job will ask.

    Args:
        context: context of the stage that makes training texts.
        documents_are_there: whether the job's documents are made already.

    Raises:
        UserError: they cannot be found.
    """
    for runner in runners(context.config):
        if runner.questions:
            return runner.questions(context, documents_are_there=documents_are_there)
    return NO_QUESTIONS
