"""The evaluate stage: measures the models of the pipeline, writes the report, checks the gates."""

import logging
import tempfile
import time
from pathlib import Path

import torch

from llmtrain_api.records import EvaluationReport
from llmtrain_api.spec.evaluate import Evaluate
from llmtrain_api.status import EvaluationResult
from llmtrain_trainer.errors import GateError
from llmtrain_trainer.evaluate.contamination import TrainingTexts
from llmtrain_trainer.evaluate.evaluated_model import load_evaluated_model
from llmtrain_trainer.evaluate.gates import check_gates, describe_failures
from llmtrain_trainer.evaluate.measurement import Measurement
from llmtrain_trainer.evaluate.tasks import load_tasks
from llmtrain_trainer.evaluate.text import held_out_texts
from llmtrain_trainer.files import replace_file
from llmtrain_trainer.models.pipeline import pipeline_models
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tracking.run import Point
from llmtrain_trainer.tracking.trackers import open_trackers, require_packages

_log = logging.getLogger(__name__)


def run(context: StageContext) -> tuple[EvaluationResult, ...]:
    """Measure the models; the last one must meet the gates.

    Raises:
        UserError: the manifest's section cannot be carried out.
        GateError: a gate was not met; the report is written all the same.
        Interrupted: a stop was requested; nothing is left behind.
    """
    evaluate = context.config.evaluate
    assert evaluate is not None, "the stage runs when its section is there"
    torch.set_num_threads(context.config.workers.cpus)
    require_packages(context.config)
    context.progress.update(percent=0, activity="loading what is to be measured")
    models = pipeline_models(context.config)
    texts = held_out_texts(context) if _needs_text(evaluate) else []
    with tempfile.TemporaryDirectory() as scratch:
        tasks = load_tasks(evaluate.tasks, texts, Path(scratch), context)
        training = TrainingTexts(context)
        measurement = Measurement(
            evaluate,
            context,
            texts,
            trained_on=training.questions,
            num_models=len(models),
        )
        measurement.warn(
            warning
            for task in tasks
            if task.questions
            for warning in training.unsearched(task.name, task.questions.values())
        )
        for number, model in enumerate(models, start=1):
            measurement.measure(load_evaluated_model(model), tasks if number == len(models) else [])
    return _conclude(evaluate, measurement, training, models[-1].name, context)


def _needs_text(evaluate: Evaluate) -> bool:
    return evaluate.bits_per_byte or any(task.held_out_docs for task in evaluate.tasks)


def _send(results: tuple[EvaluationResult, ...], context: StageContext) -> None:
    """Hand the results to the manifest's trackers, as one point."""
    values = {f"{result.model}/{result.name}": result.value for result in results}
    with open_trackers(context.config, context.progress, resumed_step=-1) as trackers:
        for tracker in trackers:
            tracker.add(Point(0, time.time(), values))


def _conclude(
    evaluate: Evaluate,
    measurement: Measurement,
    training: TrainingTexts,
    subject: str,
    context: StageContext,
) -> tuple[EvaluationResult, ...]:
    """Write the report, then check the gates."""
    results, generations = tuple(measurement.results), tuple(measurement.generations)
    for result in results:
        _log.info("%s of the %s model: %.4f", result.name, result.model, result.value)
    report = EvaluationReport(
        results=results, generations=generations, contamination=training.reports
    )
    path = context.workspace.evaluation_report
    replace_file(path, report.model_dump_json(indent=2) + "\n")
    _send(results, context)
    measured = {result.name: result.value for result in results if result.model == subject}
    gates = check_gates(evaluate.gates, measured)
    report = report.replace(gates=gates)
    replace_file(path, report.model_dump_json(indent=2) + "\n")
    failures = describe_failures(gates)
    if failures:
        raise GateError(f"the {subject} model does not pass: {failures}", evaluation=results)
    return results
