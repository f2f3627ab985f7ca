"""The sources of a report, as far as they exist."""

from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.data_report import DataReport
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.records import Environment, EvaluationReport, StepRecord
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus
from llmtrain_api.tokenizer_report import TokenizerReport
from llmtrain_api.workspace import Workspace
from llmtrain_cli.report.reading import Unavailable, count_saved_parameters, read_record, read_steps


@dataclass(frozen=True)
class Run:
    """A job and its status."""

    job: LLMTrainingJob
    status: JobStatus

    @property
    def is_going_on(self) -> bool:
        """Whether a stage runs or is about to."""
        return self.status.phase.active


@dataclass(frozen=True)
class Sources:
    """Content of a workspace, read once."""

    name: str
    """Name of the job, or of the workspace's folder where the job is unknown."""
    run: Run | Unavailable
    data: DataReport | Unavailable
    tokenizer: TokenizerReport | Unavailable
    evaluation: EvaluationReport | Unavailable
    steps: dict[Stage, tuple[StepRecord, ...] | Unavailable]
    """Step records by training stage."""
    parameters: dict[Stage, int | Unavailable]
    """Number of parameters of each saved model, by stage."""
    environments: dict[Stage, Environment]
    """Environment record of each stage's newest attempt."""


def read_sources(workspace: Workspace, run: Run | Unavailable) -> Sources:
    """Read a workspace.

    Args:
        workspace: workspace to read.
        run: the job and its status, which a workspace on a cluster does not hold.
    """
    root = workspace.root
    return Sources(
        name=root.name if isinstance(run, Unavailable) else run.job.metadata.name,
        run=run,
        data=read_record(workspace.data_report, DataReport, root=root),
        tokenizer=read_record(workspace.tokenizer_report, TokenizerReport, root=root),
        evaluation=read_record(workspace.evaluation_report, EvaluationReport, root=root),
        steps={
            stage: read_steps(workspace.metrics(stage), root=root)
            for stage in Stage
            if stage.optimizes
        },
        parameters={
            stage: count_saved_parameters(workspace.model(stage.row.makes.name))
            for stage in Stage
            if stage.row.makes
        },
        environments=_environments(workspace),
    )


def _environments(workspace: Workspace) -> dict[Stage, Environment]:
    found = {}
    for stage in Stage:
        if newest := _newest(workspace, stage):
            record = read_record(newest, Environment, root=workspace.root)
            if not isinstance(record, Unavailable):
                found[stage] = record
    return found


def _newest(workspace: Workspace, stage: Stage) -> Path | None:
    """Path of the file of the stage's newest attempt."""
    pattern = workspace.environment(stage, 0).name.replace("-0.", "-*.")
    files = workspace.environment(stage, 0).parent.glob(pattern)
    return max(files, key=lambda path: (len(path.name), path.name), default=None)
