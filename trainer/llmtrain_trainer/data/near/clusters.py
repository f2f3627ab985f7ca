"""Clusters of documents that are alike, and which of each stays: the last round.

Only pairs of documents meet here, no keys and no texts but a few to show.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.base import Record
from llmtrain_api.data_report import Cluster, Clusters, ClusterSizes, Kept
from llmtrain_trainer.data.cleaning import DOCUMENTS
from llmtrain_trainer.data.documents import documents_at
from llmtrain_trainer.data.drops import DROP, DropFile, Rule
from llmtrain_trainer.data.near.components import components
from llmtrain_trainer.data.near.pairs import PAIRS_FILE, Ids, SignatureFiles, place, places
from llmtrain_trainer.data.near.task import NearTask
from llmtrain_trainer.data.report import NUM_EXAMPLES, excerpt, first_difference
from llmtrain_trainer.data.shuffle import Partition
from llmtrain_trainer.data.steps.base import Instead
from llmtrain_trainer.data.steps.near_dedup import NEAR_REPEATED
from llmtrain_trainer.units import committed

_DROPS_FILE = "drops.npy"
_LARGEST = 5
_OTHERS_SHOWN = 3

_Texts = Mapping[int, tuple[str, str]]
"""Text and source of some documents."""


class Shown(Record):
    """A document that is dropped, beside the one that stays."""

    unit: int
    row: int
    start: int
    kept: Kept


class FoundClusters(Record):
    """Report on all clusters."""

    clusters: Clusters
    shown: tuple[Shown, ...]
    """The first few documents that are dropped."""


def find_clusters(partitions: Sequence[Partition], task: NearTask) -> FoundClusters:
    """Write which documents are dropped: all but the first of each cluster.

    Args:
        partitions: all partitions of the pairs.
        task: says which deduplication.
    """
    return committed(task.clusters, partial(_find_clusters, partitions, task), FoundClusters)


def cluster_drops(task: NearTask, report: FoundClusters) -> DropFile:
    """The documents that are dropped."""
    instead = {(each.unit, each.row): Instead(each.start, each.kept) for each in report.shown}
    rules = (Rule(step=task.name, rule=NEAR_REPEATED),)
    return DropFile(task.clusters / _DROPS_FILE, rules, instead)


def _find_clusters(partitions: Sequence[Partition], task: NearTask, folder: Path) -> FoundClusters:
    pairs = (np.load(task.pairs / each.name / PAIRS_FILE) for each in partitions)
    members, firsts = components(pairs)
    dropped = members != firsts
    drops = np.zeros(dropped.sum(), DROP)
    drops["unit"], drops["row"] = places(members[dropped])
    np.save(folder / _DROPS_FILE, drops)
    kept, sizes = np.unique(firsts, return_counts=True)
    largest = [
        (int(sizes[each]), members[firsts == kept[each]][: 1 + _OTHERS_SHOWN])
        for each in np.argsort(-sizes, kind="stable")[:_LARGEST]
    ]
    first_few = members[dropped][:NUM_EXAMPLES], firsts[dropped][:NUM_EXAMPLES]
    shown = np.concatenate([*first_few, *(some for _, some in largest)])
    texts = _texts(np.unique(shown).tolist(), task)
    clusters = Clusters(
        sizes=tuple(_histogram(sizes)),
        largest=tuple(_cluster(size, some.tolist(), texts) for size, some in largest),
    )
    return FoundClusters(clusters=clusters, shown=_shown(*first_few, texts, task))


def _histogram(sizes: NDArray[np.int64]) -> Iterator[ClusterSizes]:
    """Sizes of 2, 3 to 4, 5 to 8 and so on, as far as there are any."""
    smallest = largest = 2
    while len(sizes):
        inside = sizes[sizes <= largest]
        yield ClusterSizes(
            smallest=smallest,
            largest=largest,
            clusters=len(inside),
            documents=int(inside.sum()),
        )
        sizes = sizes[sizes > largest]
        smallest, largest = largest + 1, 2 * largest


def _cluster(size: int, some: Sequence[int], texts: _Texts) -> Cluster:
    first, *others = some
    text, source = texts[first]
    return Cluster(
        documents=size,
        source=source,
        excerpt=excerpt(text),
        others=tuple(excerpt(texts[other][0]) for other in others),
    )


def _shown(dropped: Ids, kept: Ids, texts: _Texts, task: NearTask) -> tuple[Shown, ...]:
    shares = SignatureFiles(task).similarities(dropped, kept).tolist()
    found = []
    for each, other, share in zip(dropped.tolist(), kept.tolist(), shares, strict=True):
        (before, _), (after, source) = texts[each], texts[other]
        start = first_difference(before, after)
        unit, row = place(each)
        instead = Kept(source=source, excerpt=excerpt(after, start), similarity=round(share, 3))
        found.append(Shown(unit=unit, row=row, start=start, kept=instead))
    return tuple(found)


def _texts(documents: Sequence[int], task: NearTask) -> _Texts:
    """Text and source of a few documents.

    Args:
        documents: in their order.
        task: says where they are.
    """
    found: dict[int, tuple[str, str]] = {}
    by_unit = groupby(documents, lambda each: place(each)[0])
    for unit, group in by_unit:
        inside = list(group)
        rows = [place(each)[1] for each in inside]
        found |= zip(inside, documents_at(task.units[unit] / DOCUMENTS, rows), strict=True)
    return found
