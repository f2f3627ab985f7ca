"""The stages of a job's line, in the order in which they run."""

from enum import StrEnum


class StageGroup(StrEnum):
    """Stages that share a Ray cluster, because they need the same compute."""

    CPUS = "cpus"
    """Holds no GPU."""
    TRAINERS = "trainers"
    """One rank runs on each of its GPUs."""
    ALL = "all"
    """A laptop, which is all the compute there is."""


class Stage(StrEnum):
    """One step of the line. It runs when its section is in the spec."""

    DATA = "data"
    TOKENIZER = "tokenizer"
    PRETRAIN = "pretrain"
    FINETUNE = "finetune"
    EVALUATE = "evaluate"
    EXPORT = "export"

    @property
    def group(self) -> StageGroup:
        """The compute that the stage needs."""
        return StageGroup.TRAINERS if self.trains else StageGroup.CPUS

    @property
    def trains(self) -> bool:
        """Whether the stage needs the trainers' compute; the others run on CPUs."""
        return self in {Stage.PRETRAIN, Stage.FINETUNE, Stage.EVALUATE, Stage.EXPORT}
