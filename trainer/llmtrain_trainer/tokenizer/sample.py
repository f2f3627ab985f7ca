"""A sample of documents: the same ones each time, of about as many bytes as wanted.

Row groups are chosen by a hash of their place, so that only a few times the sample's bytes are read
of a large corpus, and documents in them by a hash of their text.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmtrain_trainer.data.documents import DocumentFile, RowGroup

_READ_PER_SAMPLED = 4
"""Bytes that are read for a byte of the sample: neighbours resemble each other, and so more places
are looked at, and fewer documents taken from each."""
_FEWEST_GROUPS = 64
"""Row groups that are read of a source, where it has as many."""
_HASH_BYTES = 8
_HASHES = 1 << (8 * _HASH_BYTES)


@dataclass(frozen=True)
class SampledGroup:
    """A row group, some of whose documents are in the sample."""

    group: RowGroup
    source: int | None
    """Position of its source in the manifest."""
    share: float
    """Share of its documents in the sample; 1 for all."""

    def texts(self) -> list[str]:
        """Its documents in the sample, in order."""
        texts = self.group.texts()
        if self.share >= 1:
            return texts
        return [text for text in texts if _fraction(text.encode()) < self.share]


def sampled_groups(
    files: Sequence[DocumentFile], max_bytes: int, source_exponent: float
) -> list[SampledGroup]:
    """The row groups of a sample, in the order of the documents.

    Args:
        files: all documents.
        max_bytes: text of the sample, about.
        source_exponent: a source's part in the sample is in proportion to its bytes to this power.
            One that has less gives all it has, and the others more.
    """
    sizes: dict[int | None, int] = defaultdict(int)
    num_groups: dict[int | None, int] = defaultdict(int)
    for file in files:
        sizes[file.source] += file.num_bytes
        num_groups[file.source] += len(file.group_bytes)
    wanted = source_shares(sizes, max_bytes, source_exponent)
    read = {
        source: min(1.0, max(_READ_PER_SAMPLED * share, _FEWEST_GROUPS / num_groups[source]))
        for source, share in wanted.items()
        if num_groups[source]
    }
    return [
        SampledGroup(group, file.source, wanted[file.source] / read[file.source])
        for file in files
        for group in file.row_groups()
        if read[file.source] >= 1 or _place(group) < read[file.source]
    ]


def source_shares(
    sizes: Mapping[int | None, int], max_bytes: int, exponent: float
) -> dict[int | None, float]:
    """The share of each source's bytes that is in a sample.

    Args:
        sizes: bytes of each source.
        max_bytes: bytes of the sample.
        exponent: weight of a source's bytes, as in the temperature sampling of Conneau and Lample
            2019: 1 keeps the proportions, 0 levels them.
    """
    shares: dict[int | None, float] = {source: 0.0 for source, size in sizes.items() if not size}
    left = float(max_bytes)
    weights = {source: size**exponent for source, size in sizes.items() if size}
    # The one with the most weight for its bytes is used up first.
    for source in sorted(weights, key=lambda each: sizes[each] / weights[each]):
        part = left * weights[source] / sum(weights[each] for each in weights if each not in shares)
        taken = min(part, float(sizes[source]))
        shares[source] = taken / sizes[source]
        left -= taken
    return shares


def _place(group: RowGroup) -> float:
    return _fraction(f"{group.path.name} {group.number}".encode())


def _fraction(data: bytes) -> float:
    """A hash as a number in [0, 1), independent of the one that holds documents out."""
    digest = hashlib.blake2b(data, digest_size=_HASH_BYTES, person=b"tokenizer").digest()
    return int.from_bytes(digest) / _HASHES
