"""The stages of a job's line, in the order in which they run."""

from enum import StrEnum


class Stage(StrEnum):
    """One step of the line. It runs when its section is in the spec."""

    DATA = "data"
    TOKENIZER = "tokenizer"
    PRETRAIN = "pretrain"
    FINETUNE = "finetune"
    EVALUATE = "evaluate"
    EXPORT = "export"

    @property
    def trains(self) -> bool:
        """Whether the stage needs the trainers' compute; the others run on CPUs."""
        return self in {Stage.PRETRAIN, Stage.FINETUNE, Stage.EVALUATE, Stage.EXPORT}
