"""What an attempt is at, for people."""

from llmtrain_api.status import StageStatus


def starting(stage: StageStatus) -> str:
    """Its record is written; it is about to be submitted."""
    return f"{stage.name} is starting, attempt {stage.attempt}"


def working(stage: StageStatus) -> str:
    """It was submitted."""
    message = f"{stage.name} is running, attempt {stage.attempt}"
    return f"{message}; {stage.lost_pod.message}" if stage.lost_pod else message
