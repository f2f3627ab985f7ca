"""The steps of a manifest on its first documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from llmtrain_api.data_report import DataPreview
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.comparison import step_files
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.sources.shards import Shard, SourceShard, shards
from llmtrain_trainer.data.stage import drop_reasons, make_corpus
from llmtrain_trainer.data.steps.registry import comparing_steps
from llmtrain_trainer.progress.reporter import NullReporter
from llmtrain_trainer.runner import asked_questions
from llmtrain_trainer.stage import StageContext


def preview(config: RunConfig, num_documents: int) -> DataPreview:
    """What the steps do to the first documents.

    Steps that compare documents compare these alone. The questions of evaluation tasks are searched
    for, but not those that would be about documents that are held out.

    Args:
        config: says where the documents are, and which steps there are. Its workspace is not used.
        num_documents: documents of all sources together, shared equally. What a source lacks, those
            after it may have.

    Raises:
        UserError: a source, a task, or a file that a step needs cannot be read.
    """
    data = config.data
    assert data is not None, "the job has a data stage"
    with TemporaryDirectory(prefix="llmtrain-preview-") as folder:
        home = Path(folder)
        here = config.replace(workspace=str(home))
        context = StageContext(here, NullReporter())
        files = step_files(comparing_steps(data.steps), context)
        work = _first(shards(data.sources, context), num_documents)
        (home / "documents").mkdir()
        questions = asked_questions(context, documents_are_there=False)
        report = make_corpus(
            work, context, home / "units", home / "documents", files=files, questions=questions
        )
    return DataPreview(report=report, reasons=drop_reasons(data, report))


@dataclass
class _Read:
    """Documents that were read so far."""

    count: int = 0


@dataclass(frozen=True)
class _BeginningOfShard:
    """A shard as far as there is room for its documents."""

    shard: Shard
    read: _Read
    """Shared by all shards."""
    until: int
    """Documents of this source and those before it."""
    size: int = 0
    """Nothing, so that it is worked on in this process."""

    @property
    def source(self) -> str:
        """The shard's."""
        return self.shard.source

    @property
    def is_html(self) -> bool:
        """The shard's."""
        return self.shard.is_html

    @property
    def identity(self) -> str:
        """The shard's."""
        return self.shard.identity

    def documents(self, bad_rows: BadRows) -> Iterator[str]:
        """The first documents, while there is room."""
        room = self.until - self.read.count
        if room <= 0:
            return
        for text in islice(self.shard.documents(bad_rows), room):
            self.read.count += 1
            yield text


def _first(work: Sequence[SourceShard], num_documents: int) -> list[SourceShard]:
    """The shards of the first documents."""
    sources = [(number, list(those)) for number, those in groupby(work, lambda each: each.number)]
    read = _Read()
    return [
        SourceShard(_BeginningOfShard(each.shard, read, until), number)
        for place, (number, those) in enumerate(sources, start=1)
        for until in [num_documents * place // len(sources)]
        # Nearly every shard has a document, so no more of them than documents are looked at.
        for each in those[:num_documents]
    ]
