"""Tasks of the lm-evaluation-harness on local files.

It takes seconds to import, so only a stage that has tasks does.
"""

import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2.exceptions import SecurityError

from llmtrain_api.status import EvaluationResult
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.evaluated_model import EvaluatedModel
from llmtrain_trainer.evaluate.task_code import task_code

_BATCH_SIZE = 8
_NO_FILTER = "none"
_CLEAN = ".clean"
"""Ending of metrics without the questions that training texts hold."""
_BOOTSTRAPS = 1000
"""Bootstrap samples for standard errors without a formula."""


@dataclass(frozen=True)
class LoadedTask:
    """A task or a group of tasks, with its questions."""

    name: str
    manager: Any
    tasks: list[Any]
    trusted: bool
    """Whether its own code may run."""


def load_task(name: str, folder: Path, *, cache: Path, trusted: bool = False) -> LoadedTask:
    """The task of this name in a folder of YAML files.

    Args:
        name: name of a task or a group.
        folder: relative paths of data files start here.
        cache: where `datasets` keeps the questions.
        trusted: whether code of the task may run.

    Raises:
        UserError: there is no such task in the folder, it cannot be loaded, or it has code and is
            not trusted.
    """
    import datasets
    from lm_eval.tasks import TaskManager

    if not folder.is_dir():
        raise UserError(
            f"evaluate.tasks: {name}.include: {folder} is no folder; "
            "name the one that holds the task's YAML file"
        )
    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # it warns for each question
    datasets.config.HF_DATASETS_CACHE = cache
    with task_code(name, trusted=trusted):
        try:
            manager = TaskManager(include_path=str(folder), include_defaults=False)
            known = manager.all_tasks
            if name in known:
                with contextlib.chdir(folder):
                    tasks = [*manager.load([name])["tasks"].values()]
                return LoadedTask(name, manager, tasks, trusted)
        except SecurityError:
            raise
        except Exception as error:
            raise UserError(
                f"evaluate.tasks: {name} cannot be loaded from {folder}: "
                f"{type(error).__name__}: {error}"
            ) from error
    raise UserError(
        f"evaluate.tasks: there is no task {name!r} in {folder}; "
        f"the tasks there are: {', '.join(known) or 'none'}"
    )


def run_task(
    subject: EvaluatedModel,
    task: LoadedTask,
    *,
    few_shot: int,
    limit: int | None,
    seed: int,
    as_chat: bool = False,
    left_out: AbstractSet[tuple[str, int]] = frozenset(),
) -> list[EvaluationResult]:
    """Measure a model on a task; each metric is named `task/metric`.

    Args:
        subject: the model.
        task: what `load_task` gave.
        few_shot: solved examples before each question.
        limit: questions asked; None for all.
        seed: seed for the choice of examples.
        as_chat: whether questions are a user's messages, written with the chat template.
        left_out: questions, by the name of the task's part and their number, without which metrics
            are also given, as `task/metric.clean`.
    """
    import lm_eval
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=subject.model, tokenizer=subject.tokenizer, batch_size=_BATCH_SIZE)
    with task_code(task.name, trusted=task.trusted):
        found = lm_eval.simple_evaluate(
            model=model,
            tasks=task.tasks,
            task_manager=task.manager,
            num_fewshot=few_shot,
            limit=limit,
            bootstrap_iters=_BOOTSTRAPS,
            log_samples=bool(left_out),
            random_seed=seed,
            numpy_random_seed=seed,
            torch_random_seed=seed,
            fewshot_random_seed=seed,
            apply_chat_template=as_chat,
        )
    return [
        result
        for name, metrics in found["results"].items()
        for result in _results(name, metrics, subject.name)
    ] + [
        result
        for part in task.tasks
        if any(name == part.task_name for name, _ in left_out)
        for result in _results(
            part.task_name,
            _clean_metrics(part, found["samples"][part.task_name], left_out),
            subject.name,
            ending=_CLEAN,
        )
    ]


def _clean_metrics(
    part: Any,  # noqa: ANN401 - the harness's
    samples: Sequence[Mapping[str, Any]],
    left_out: AbstractSet[tuple[str, int]],
) -> dict[str, Any]:
    """The metrics of one task without some questions, as the harness writes them."""
    from lm_eval.api.metrics import mean, stderr_for_metric

    values: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
    for sample in samples:
        if (part.task_name, sample["doc_id"]) not in left_out:
            for metric in sample["metrics"]:
                values[metric, sample["filter"]].append(sample[metric])
    metrics = {}
    for (metric, filter_name), each in values.items():
        aggregate = part.aggregation().get(metric, mean)
        error = stderr_for_metric(metric=aggregate, bootstrap_iters=_BOOTSTRAPS)
        metrics[f"{metric},{filter_name}"] = aggregate(each)
        if error is not None and len(each) > 1:
            metrics[f"{metric}_stderr,{filter_name}"] = error(each)
    return metrics


def _results(
    task: str, metrics: dict[str, Any], model: str, ending: str = ""
) -> Iterator[EvaluationResult]:
    """The metrics of one task; the harness writes them as `metric,filter`."""
    for key, value in metrics.items():
        metric, comma, filter_name = key.partition(",")
        if not comma or metric.endswith("_stderr"):
            continue
        error = metrics.get(f"{metric}_stderr,{filter_name}")
        suffix = "" if filter_name == _NO_FILTER else f".{filter_name}"
        yield EvaluationResult(
            name=f"{task}/{metric}{suffix}{ending}",
            model=model,
            value=float(value),
            standard_error=float(error) if isinstance(error, int | float) else None,
        )
