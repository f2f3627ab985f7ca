"""The rounds of the workers that compare documents, in the order of the manifest's list.

Neighbouring steps that compare keys share a round. A near deduplication has three of its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from llmtrain_api.data_report import Clusters
from llmtrain_trainer.data.documents import Document
from llmtrain_trainer.data.drops import DropFile
from llmtrain_trainer.data.near.clusters import cluster_drops, find_clusters
from llmtrain_trainer.data.near.in_memory import first_alike
from llmtrain_trainer.data.near.pairs import PARTITION_KEYS, find_pairs
from llmtrain_trainer.data.near.sketches import blanks, sketch
from llmtrain_trainer.data.near.task import NearTask
from llmtrain_trainer.data.pipeline import CorpusSteps, is_blank
from llmtrain_trainer.data.shuffle import compare, drop_files, partitions
from llmtrain_trainer.data.steps.base import CorpusStep
from llmtrain_trainer.data.steps.near_dedup import NearDedupStep
from llmtrain_trainer.data.steps.registry import ComparingStep

Item = TypeVar("Item")
Result = TypeVar("Result")


class Each(Protocol):
    """Applies work to all items, wherever they are worked on."""

    def __call__(
        self, work: Callable[[Item], Result], items: Sequence[Item], activity: str
    ) -> list[Result]:
        """The results, in order.

        Args:
            work: as `map_in_order` takes it.
            items: parts of the input.
            activity: what is done, in words.
        """
        ...


@dataclass
class Compared:
    """What the comparisons found so far."""

    dropped: list[DropFile] = field(default_factory=list)
    clusters: dict[str, Clusters] = field(default_factory=dict)
    """Clusters of documents that are alike, by the names of steps."""


@dataclass(frozen=True)
class Comparison:
    """Compares all documents of a corpus.

    Args:
        units: folders of all clean units, in order.
        num_documents: documents in all of them.
        home: folder of all that is made.
        each: carries out a round.
    """

    units: tuple[Path, ...]
    num_documents: int
    home: Path
    each: Each

    def compare(self, steps: Mapping[str, ComparingStep]) -> Compared:
        """Find what the steps drop.

        Args:
            steps: all steps that compare documents, by their names in the data report.
        """
        found = Compared()
        for number, group in enumerate(comparisons(steps)):
            home = self.home / f"{number:02}"
            if isinstance(group, NearStep):
                self._compare_texts(group, home, found)
            else:
                self._compare_keys(group, home, found)
        return found

    def _compare_keys(
        self, steps: Mapping[str, CorpusStep[Any]], home: Path, found: Compared
    ) -> None:
        work = partial(
            compare, units=self.units, steps=steps, earlier=tuple(found.dropped), home=home
        )
        reports = self.each(work, partitions(self.num_documents), "comparing documents")
        found.dropped += drop_files(home, reports)

    def _compare_texts(self, step: "NearStep", home: Path, found: Compared) -> None:
        section = step.step.section
        task = NearTask(step.name, section, self.units, tuple(found.dropped), home)
        numbers = range(len(self.units))
        sketches = self.each(partial(sketch, task=task), numbers, "hashing sequences of words")
        num_keys = section.bands * sum(each.num_compared for each in sketches)
        shares = partitions(num_keys, PARTITION_KEYS)
        self.each(partial(find_pairs, task=task), shares, "comparing signatures")
        (report,) = self.each(partial(find_clusters, task=task), [shares], "uniting documents")
        found.dropped += [*blanks(task, sketches), cluster_drops(task, report)]
        found.clusters[step.name] = report.clusters


@dataclass(frozen=True)
class NearStep:
    """A near deduplication of the list."""

    name: str
    step: NearDedupStep


def comparisons(
    steps: Mapping[str, ComparingStep],
) -> Iterator[NearStep | dict[str, CorpusStep[Any]]]:
    """The comparisons to make one after the other; steps that compare keys come together."""
    by_key: dict[str, CorpusStep[Any]] = {}
    for name, step in steps.items():
        if not isinstance(step, NearDedupStep):
            by_key[name] = step
            continue
        if by_key:
            yield by_key
            by_key = {}
        yield NearStep(name, step)
    if by_key:
        yield by_key


def kept_documents(
    documents: Sequence[Document], steps: Mapping[str, ComparingStep]
) -> list[Document]:
    """The documents that the steps keep, of so few that they are in memory.

    Args:
        documents: all documents, in order.
        steps: all steps that compare documents, by their names in the data report.
    """
    kept = list(documents)
    for group in comparisons(steps):
        if isinstance(group, NearStep):
            kept = [each for each in kept if not is_blank(each.text)]
            firsts = first_alike([each.text for each in kept], group.step.section)
            kept = [each for number, each in enumerate(kept) if firsts[number] == number]
        else:
            drops = CorpusSteps(group).apply([each.key for each in kept])
            kept = [each for each, drop in zip(kept, drops, strict=True) if drop is None]
    return kept
