"""How far the whole line is."""

from llmtrain_api.progress import ProgressReport
from llmtrain_api.stages import Stage
from llmtrain_api.status import Progress, StageState, StageStatus

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
    stages: tuple[StageStatus, ...], current: StageStatus, report: ProgressReport | None
) -> Progress:
    """Progress of the job.

    Args:
        stages: all of them.
        current: the one that runs.
        report: of the current attempt; None before its first.
    """
    total = sum(_WEIGHTS[stage.name] for stage in stages)
    done = sum(_WEIGHTS[stage.name] for stage in stages if stage.state is StageState.SUCCEEDED)
    stage_percent = report.percent if report else 0.0
    percent = 100 * (done + _WEIGHTS[current.name] * stage_percent / 100) / total
    if report is None:
        return Progress(percent=round(percent, 1), stage=current.name, stage_percent=0.0)
    return Progress(
        percent=round(percent, 1),
        stage=current.name,
        stage_percent=round(stage_percent, 1),
        activity=report.activity,
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
