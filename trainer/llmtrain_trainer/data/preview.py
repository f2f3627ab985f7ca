"""The steps of a manifest on its first documents."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from llmtrain_api.data_report import DataPreview
from llmtrain_api.progress import bounded_warnings
from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data.comparison import step_files
from llmtrain_trainer.data.contamination import counts
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.sources.shards import Shard, SourceShard, shards
from llmtrain_trainer.data.stage import drop_reasons, make_corpus
from llmtrain_trainer.data.steps.registry import comparing_steps
from llmtrain_trainer.data.warnings import warnings
from llmtrain_trainer.progress.reporter import NullReporter
from llmtrain_trainer.runner import asked_questions
from llmtrain_trainer.stage import StageContext


def preview(config: RunConfig, num_documents: int) -> DataPreview:
    """What the steps do to the first documents.

    Steps that compare documents compare these alone. The questions of evaluation tasks are searched
    for, but not those that would be about documents that are held out.

    Args:
        config: says where the documents are, and which steps there are. Its workspace is not used.
        num_documents: documents of all sources together, shared equally. What a source lacks, the
            others may have.

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
        sources = _by_source(shards(data.sources, context), num_documents)
        shares = _shares(sources, data, num_documents)
        work = _first(sources, shares)
        (home / "documents").mkdir()
        questions = asked_questions(context, documents_are_there=False)
        report = make_corpus(
            work, context, home / "units", home / "documents", files=files, questions=questions
        )
    reasons = drop_reasons(data, report)
    # A source that was asked for nothing lacks nothing.
    asked = [each for number, each in enumerate(report.by_source) if shares.get(number) != 0]
    lost = warnings(report.replace(by_source=tuple(asked)), reasons)
    found = bounded_warnings([*lost, *counts.warnings(report.contamination)])
    return DataPreview(report=report, reasons=reasons, warnings=found)


@dataclass
class _Room:
    """Documents that a source may still give."""

    left: int


@dataclass(frozen=True)
class _BeginningOfShard:
    """A shard as far as there is room for its documents."""

    shard: Shard
    room: _Room
    """Shared by all shards of the source."""
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
        if self.room.left <= 0:
            return
        for text in islice(self.shard.documents(bad_rows), self.room.left):
            self.room.left -= 1
            yield text


def _by_source(work: Sequence[SourceShard], num_documents: int) -> dict[int, list[Shard]]:
    """The first shards of each source, by its number.

    Nearly every shard has a document, so no more of them than documents are looked at.
    """
    return {
        number: [each.shard for each in islice(those, num_documents)]
        for number, those in groupby(work, lambda each: each.number)
    }


def _first(sources: Mapping[int, Sequence[Shard]], shares: Mapping[int, int]) -> list[SourceShard]:
    """The shards of the first documents."""
    rooms = {number: _Room(share) for number, share in shares.items()}
    return [
        SourceShard(_BeginningOfShard(shard, rooms[number]), number)
        for number, those in sources.items()
        for shard in those
    ]


def _shares(
    sources: Mapping[int, Sequence[Shard]], data: Data, num_documents: int
) -> dict[int, int]:
    """Documents to read of each source, by its number.

    Each source is asked for an equal share, and then those that had it all for equal shares of what
    the others lack. A source that ends before keeps what it was asked for, so that its end is read.
    For this, documents are read once more, where there are several sources.

    Raises:
        UserError: a source cannot be read.
    """
    if len(sources) == 1:
        return dict.fromkeys(sources, num_documents)
    texts = {
        number: _texts(those, BadRows(data.sources[number].max_bad_rows))
        for number, those in sources.items()
    }
    shares = dict.fromkeys(sources, 0)
    rest, going = num_documents, list(sources)
    while rest and going:
        edges = [rest * place // len(going) for place in range(len(going) + 1)]
        asked = {number: edges[place + 1] - edges[place] for place, number in enumerate(going)}
        for number, share in asked.items():
            shares[number] += share
            read = sum(1 for _ in islice(texts[number], share))
            rest -= read
            if read < share:
                going.remove(number)
    return shares


def _texts(those: Sequence[Shard], bad_rows: BadRows) -> Iterator[str]:
    for shard in those:
        yield from shard.documents(bad_rows)
