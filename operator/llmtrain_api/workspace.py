"""Paths in a workspace. Names only: nothing here accesses a disk."""

from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.stages import Stage


@dataclass(frozen=True)
class Workspace:
    """The job's durable folder: a PVC mount in a cluster, a local folder on a laptop."""

    root: Path

    @property
    def documents(self) -> Path:
        """Clean documents: `train/*.parquet`, `validation/*.parquet`, columns `text`, `source`."""
        return self.root / "data" / "documents"

    def units(self, stage: Stage) -> Path:
        """Finished units of a stage that is under way, with which its next attempt goes on."""
        return self.root / "units" / stage.value

    @property
    def data_report(self) -> Path:
        """What each step of the data stage dropped, as JSON."""
        return self.root / "data" / "report.json"

    @property
    def hugging_face_cache(self) -> Path:
        """Cache of the Hugging Face hub; every machine of the job sees it."""
        return self.root / "data" / "hugging-face"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer, as a Hugging Face folder."""
        return self.root / "tokenizer"

    @property
    def tokens(self) -> Path:
        """Token files: `train/`, `validation/`."""
        return self.root / "tokens"

    @property
    def tokenizer_report(self) -> Path:
        """What the tokenizer was learned from, and how it compresses text, as JSON."""
        return self.tokens / "report.json"

    @property
    def conversations(self) -> Path:
        """Packed conversations: `train/`, `validation/`; `tokenizer/`, with its chat template."""
        return self.root / "data" / "conversations"

    @property
    def conversations_contamination(self) -> Path:
        """Evaluation questions in the conversations, as JSON."""
        return self.conversations / "contamination.json"

    def checkpoints(self, stage: Stage) -> Path:
        """The committed checkpoints of a training stage."""
        return self.root / "checkpoints" / stage.value

    def model(self, name: str) -> Path:
        """A model of the pipeline as a Hugging Face folder."""
        return self.root / "models" / name

    def model_of(self, stage: Stage) -> Path | None:
        """The model that a stage makes or exports; None for other stages."""
        if stage.row.exports_to:
            return self.root / stage.row.exports_to
        return self.model(stage.row.makes.name) if stage.row.makes else None

    @property
    def results(self) -> tuple[Path, ...]:
        """All results of stages in the workspace."""
        names = (Path(name).parts[0] for stage in Stage for name in stage.row.results)
        shared = ("units", "checkpoints", "micro-batches", "models", "metrics", "logs", "tracking")
        return tuple(self.root / name for name in dict.fromkeys((*names, *shared)))

    def results_of(self, stage: Stage) -> tuple[Path, ...]:
        """Files and folders that a stage leaves: results, model, and records of its training."""
        model = self.model_of(stage)
        return (
            *(self.root / name for name in stage.row.results),
            *([] if model is None or model.name in stage.row.results else [model]),
            *(self.training_records(stage) if stage.optimizes else ()),
        )

    def training_records(self, stage: Stage) -> tuple[Path, ...]:
        """Files that a training stage needs beside a checkpoint to go on."""
        return (self.metrics(stage), self.micro_batch(stage))

    @property
    def evaluation_report(self) -> Path:
        """Metrics, gates and generations, as JSON."""
        return self.root / "evaluation" / "report.json"

    @property
    def export(self) -> Path:
        """The exported model."""
        return self.root / "export"

    def metrics(self, stage: Stage) -> Path:
        """A line of JSON for each optimizer step of a training stage."""
        return self.root / "metrics" / f"{stage.value}.jsonl"

    def micro_batch(self, stage: Stage) -> Path:
        """The micro batch that a training stage has found for itself, as JSON."""
        return self.root / "micro-batches" / f"{stage.value}.json"

    @property
    def tracking(self) -> Path:
        """Files of experiment trackers without a server: a folder for each tracker."""
        return self.root / "tracking"

    def log(self, stage: Stage, attempt: int) -> Path:
        """The log of an attempt."""
        return self.root / "logs" / f"{stage.value}-{attempt}.log"

    def environment(self, stage: Stage, attempt: int) -> Path:
        """Software and hardware of an attempt, as JSON."""
        return self.root / "logs" / f"{stage.value}-{attempt}.environment.json"

    @property
    def private(self) -> Path:
        """The laptop run's own state: status, lock, Ray's files."""
        return self.root / ".llmtrain"
