"""Measures one model after the other, and reports progress."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from llmtrain_api.progress import bounded_warnings
from llmtrain_api.records import Generation
from llmtrain_api.spec.evaluate import Evaluate
from llmtrain_api.status import EvaluationResult
from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.evaluate.bits_per_byte import TextScore, score_text
from llmtrain_trainer.evaluate.evaluated_model import EvaluatedModel
from llmtrain_trainer.evaluate.gates import BITS_PER_BYTE, PERPLEXITY
from llmtrain_trainer.evaluate.generate import generate_texts
from llmtrain_trainer.evaluate.tasks import ReadyTask
from llmtrain_trainer.evaluate.text import token_stream
from llmtrain_trainer.generation import Sampling, endless_warning
from llmtrain_trainer.stage import StageContext

_LONGEST_WINDOW = 2048
"""Tokens; scoring held-out text gains little from more, and costs memory."""


class Measurement:
    """Collects measurements.

    Args:
        evaluate: the manifest's section.
        context: context of the stage.
        texts: the held-out documents.
        trained_on: keys of questions in the job's training texts.
        num_models: how many will be measured.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        context: StageContext,
        texts: Sequence[str],
        *,
        trained_on: AbstractSet[str],
        num_models: int,
    ) -> None:
        self._evaluate = evaluate
        self._context = context
        self._texts = texts
        self._trained_on = trained_on
        self._num_models = num_models
        self._num_done = 0
        self._warnings: list[str] = []
        self.results: list[EvaluationResult] = []
        self.generations: list[Generation] = []

    def measure(self, subject: EvaluatedModel, tasks: Sequence[ReadyTask]) -> None:
        """Take all measurements of a model.

        Raises:
            UserError: the model predicts nothing finite.
            Interrupted: a stop was requested.
        """
        seed = self._context.config.seed
        if self._evaluate.bits_per_byte:
            self.results += _results(self._score(subject), subject.name)
        for number, task in enumerate(tasks):
            self._report_share(f"{subject.name}: {task.name}", 0.5 + 0.4 * number / len(tasks))
            self.results += task.run(subject, seed=seed, trained_on=self._trained_on)
        generations = self._evaluate.generations
        if generations is not None:
            self._report_share(f"{subject.name}: writing texts", 0.9)
            if warning := endless_warning(subject.tokenizer):
                self.warn([f"{subject.name}: {warning}"])
            sampling = Sampling(generations.max_new_tokens, generations.temperature)
            self.generations += generate_texts(subject, generations.prompts, sampling, seed=seed)
        self._num_done += 1

    def warn(self, warnings: Iterable[str]) -> None:
        """Report warnings, beside those before."""
        self._warnings += warnings
        self._context.progress.update(warnings=bounded_warnings(self._warnings))

    def _score(self, subject: EvaluatedModel) -> TextScore:
        activity = f"{subject.name}: bits per byte"
        self._report_share(activity, 0)
        return score_text(
            subject.model,
            token_stream(subject.tokenizer, self._texts),
            window=min(subject.context_length, self._trained_length(), _LONGEST_WINDOW),
            on_progress=lambda share: self._report_share(activity, 0.5 * share),
        )

    def _trained_length(self) -> int:
        """Positions beyond those of pretraining were never learned."""
        training = self._context.config.new_model_training
        return _LONGEST_WINDOW if training is None else training.sequence_length

    def _report_share(self, activity: str, share: float) -> None:
        """Report progress.

        Args:
            activity: for people.
            share: how much of this model is done, about.
        """
        if self._context.stop.is_set():
            raise Interrupted("stopped while evaluating; the evaluation starts anew")
        percent = 100 * (self._num_done + share) / self._num_models
        self._context.progress.update(percent=percent, activity=activity)


def _results(score: TextScore, model: str) -> list[EvaluationResult]:
    return [
        EvaluationResult(
            name=BITS_PER_BYTE,
            model=model,
            value=score.bits_per_byte,
            standard_error=score.standard_error,
        ),
        EvaluationResult(name=PERPLEXITY, model=model, value=score.perplexity),
    ]
