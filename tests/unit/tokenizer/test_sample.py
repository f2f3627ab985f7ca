"""A sample is the same each time, of the size that was wanted, and read from few places."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_trainer.data import documents
from llmtrain_trainer.data.documents import DocumentFile, DocumentWriter, document_files
from llmtrain_trainer.tokenizer import sample
from llmtrain_trainer.tokenizer.sample import SampledGroup, sampled_groups, source_shares

LARGE, SMALL = 0, 1


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[DocumentFile]:
    """300 row groups of a large source, 30 of a small one; 10 kB and 20 documents in each."""
    monkeypatch.setattr(documents, "_ROW_GROUP_BYTES", 10_000)
    monkeypatch.setattr(sample, "_FEWEST_GROUPS", 5)
    for source, num_documents in ((LARGE, 6000), (SMALL, 600)):
        with DocumentWriter(tmp_path / f"{source}", source) as writer:
            for number in range(num_documents):
                writer.write(f"{source} {number:05} ".ljust(500, "x"), "made")
    return [file for source in (LARGE, SMALL) for file in document_files(tmp_path / f"{source}")]


def texts_of(groups: list[SampledGroup]) -> list[str]:
    return [text for group in groups for text in group.texts()]


def test_a_small_corpus_is_its_own_sample(files: list[DocumentFile]) -> None:
    texts = texts_of(sampled_groups(files, 10**9, source_exponent=0))
    assert len(texts) == 6600
    assert texts == sorted(texts)


@pytest.mark.parametrize(("exponent", "large", "small"), [(1, 300, 30), (0, 165, 165)])
def test_a_source_is_represented_as_wanted(
    files: list[DocumentFile], exponent: float, large: int, small: int
) -> None:
    size = sum(file.num_bytes for file in files)
    groups = sampled_groups(files, size // 20, exponent)
    texts = texts_of(groups)
    assert texts == texts_of(sampled_groups(files, size // 20, exponent))
    assert texts == sorted(texts)
    counts = [sum(text.startswith(f"{source} ") for text in texts) for source in (LARGE, SMALL)]
    assert counts == [pytest.approx(large, rel=0.35), pytest.approx(small, rel=0.35)]
    assert sum(counts) == pytest.approx(330, rel=0.25)
    assert len(groups) < 330 / 2  # four times the sample is read, not the corpus
    assert len({text[:5] for text in texts}) > 20  # and not from one place


@pytest.mark.parametrize(
    ("max_bytes", "exponent", "shares"),
    [
        (100, 1, [0.1, 0.1]),
        (100, 0, [50 / 900, 0.5]),
        (400, 0, [300 / 900, 1.0]),  # the small one has no more, and the other gives it
        (2000, 0.5, [1.0, 1.0]),
        (100, 0.5, [75 / 900, 0.25]),
    ],
)
def test_shares_of_two_sources(max_bytes: int, exponent: float, shares: list[float]) -> None:
    found = source_shares({LARGE: 900, SMALL: 100}, max_bytes, exponent)
    assert [found[LARGE], found[SMALL]] == pytest.approx(shares)


@given(
    sizes=st.lists(st.integers(0, 10**15), max_size=20),
    max_bytes=st.integers(1, 10**12),
    exponent=st.floats(0, 1),
)
def test_a_sample_is_as_large_as_wanted_or_everything(
    sizes: list[int], max_bytes: int, exponent: float
) -> None:
    shares = source_shares(dict(enumerate(sizes)), max_bytes, exponent)
    assert all(0 <= share <= 1 for share in shares.values())
    taken = sum(share * sizes[source] for source, share in shares.items() if source is not None)
    assert taken == pytest.approx(min(max_bytes, sum(sizes)), rel=1e-6, abs=1e-6)
