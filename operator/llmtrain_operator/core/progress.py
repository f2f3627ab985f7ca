"""How far the whole line is."""

from llmtrain_api.progress import ProgressReport
from llmtrain_api.stages import Stage
from llmtrain_api.status import ACTIVITY_MAX_LENGTH, Progress, StageState, StageStatus

# Shares of a typical run's time; only their ratios matter.
_WEIGHTS = {
    Stage.DATA: 5,
    Stage.TOKENIZER: 5,
    Stage.PRETRAIN: 60,
    Stage.FINETUNE: 20,
    Stage.EVALUATE: 8,
    Stage.EXPORT: 2,
}


def line_progress(
    stages: tuple[StageStatus, ...],
    current: StageStatus,
    report: ProgressReport | None,
    before: Progress | None,
) -> Progress:
    """Progress of the job.

    Args:
        stages: all of them.
        current: the one that the job is at, or that has just succeeded.
        report: of the current attempt; None where none could be read.
        before: what was known at the last pass, which stands where there is no report.
    """
    known = _stage_progress(current, report, before)
    total = sum(_WEIGHTS[stage.name] for stage in stages)
    done = sum(
        _WEIGHTS[stage.name]
        for stage in stages
        if stage.state is StageState.SUCCEEDED and stage.name is not current.name
    )
    percent = 100 * (done + _WEIGHTS[current.name] * known.stage_percent / 100) / total
    return known.model_copy(update={"percent": round(percent, 1)})


def _stage_progress(
    current: StageStatus, report: ProgressReport | None, before: Progress | None
) -> Progress:
    """What is known of the stage; its share of the line is not worked out yet."""
    if report is not None:
        known = _from_report(report)
    elif before is not None and before.stage is current.name:
        known = before
    else:
        known = Progress(percent=0.0, stage=current.name, stage_percent=0.0)
    if current.state is StageState.SUCCEEDED:
        known = known.model_copy(update={"stage_percent": 100.0})
    if current.state in {StageState.PENDING, StageState.SUCCEEDED, StageState.FAILED}:
        # Nothing works at it now.
        idle = {"activity": None, "tokens_per_second": None, "eta_seconds": None}
        known = known.model_copy(update=idle)
    return known


def _from_report(report: ProgressReport) -> Progress:
    return Progress(
        percent=0.0,
        stage=report.stage,
        stage_percent=round(report.percent, 1),
        activity=report.activity[:ACTIVITY_MAX_LENGTH],
        step=report.step,
        total_steps=report.total_steps,
        tokens=report.tokens,
        loss=report.loss,
        validation_bits_per_byte=report.validation_bits_per_byte,
        tokens_per_second=report.tokens_per_second,
        eta_seconds=report.eta_seconds,
        checkpoint_step=report.checkpoint_step,
    )


def finished_progress(stages: tuple[StageStatus, ...]) -> Progress:
    """Progress of a job whose stages have all succeeded."""
    return Progress(percent=100.0, stage=stages[-1].name, stage_percent=100.0)
