"""Synonyms from WordNet's files, in the format of its manual page wndb(5).

NLTK reads such files too, but needs more of them than Debian's package has, and refuses folders
outside its own search path.
"""

import mmap
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.files import sha256

_PARTS_OF_SPEECH = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
"""The files of each type of synset in a sense key; 5 are satellites of adjectives."""
_NAMES = ("noun", "verb", "adj", "adv")
_COUNTS = "cntlist.rev"
_FILES = (
    _COUNTS,
    *(f"{kind}.{name}" for kind in ("index", "data") for name in _NAMES),
    *(f"{name}.exc" for name in _NAMES),
)
_ENDINGS = {
    "noun": {"s": "", "ses": "s", "xes": "x", "zes": "z", "ches": "ch", "shes": "sh", "ies": "y"},
    "verb": {"s": "", "es": "e", "ied": "y", "ed": "", "d": "", "ing": ""},
    "adj": {"er": "", "est": "", "r": "", "st": ""},
}
"""Endings of inflected words, and those of their base forms (WordNet's manual page morphy(7))."""
_FEWEST_LETTERS = 3
_FUNCTION_WORDS = """
a about above after again all also although am an and any are around as at be because been before
behind being below beneath beside besides between both but by can cannot could did do does doing
done down during each either else enough ever every few for from had has have having he her here
hers him his how however if in inside into is it its just less many may me might mine more most
much must my neither never no nobody none nor not nothing now of off often on once one only or
other ought our out outside over own per same shall she should since so some such than that the
their them then there these they this those though through thus till to together too toward
towards under until up upon us very was we were what when where whether which while who whom whose
why will with within without would yet you your
"""
"""Words whose synonyms are those of another word with the same letters, or say something else."""


def wordnet_digest(folder: Path) -> str:
    """A digest of the files of WordNet, which decide what a copy looks like."""
    return " ".join(sha256(folder / name) for name in _FILES)


def require_wordnet(folder: Path, field: str) -> None:
    """Make sure that a folder has the files of WordNet.

    Args:
        folder: holds them.
        field: the manifest's field that names it, for messages.

    Raises:
        UserError: one of them is missing.
    """
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{field}: {folder} lacks {', '.join(missing)}; it must be a folder with WordNet's "
            "database files, such as /usr/share/wordnet of Debian's package wordnet-base "
            "(`apt-get install wordnet-base`), or the folder dict of Princeton's download",
            reason="InvalidData",
        )


def read_synonyms(folder: Path) -> dict[str, tuple[str, ...]]:
    """Synonyms of the most frequent sense of each word; takes half a second.

    Words have three letters or more, and synonyms as well. Both occur in the texts that WordNet's
    makers have tagged, the word in this sense: a rare one is seldom meant, and a rare synonym is
    seldom right. Names have none, nor have words such as `might`, which is a power too, and those
    that may be forms of others, such as `found`.

    Args:
        folder: holds the files.

    Raises:
        UserError: a file is not in the format.
    """
    found: dict[str, tuple[str, ...]] = {}
    tagged, by_name = _tagged_words(folder / _COUNTS)
    places = {name: dict(_offsets(folder / f"index.{name}")) for name in _NAMES}
    irregular = {word for name in _NAMES for word in _irregular(folder / f"{name}.exc")}
    for name, words in by_name.items():
        offsets = {
            word: places[name][word]
            for word in words & places[name].keys() - irregular
            if not _is_inflected(word, name, places)
        }
        path = folder / f"data.{name}"
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for word, offset in offsets.items():
                synonyms = _synonyms(data, path, word, offset)
                if usual := tuple(each.replace("_", " ") for each in synonyms if each in tagged):
                    found[word] = usual
    return dict(sorted(found.items()))


def _tagged_words(path: Path) -> tuple[set[str], Mapping[str, frozenset[str]]]:
    """All tagged words, and those whose first sense is tagged most often as a noun and so on."""
    tagged: set[str] = set()
    counts: dict[str, tuple[int, int, str]] = {}
    function_words = frozenset(_FUNCTION_WORDS.split())
    for line, (key, sense, count, *_) in _rows(path, 3):
        word, _, rest = key.partition("%")
        name = _PARTS_OF_SPEECH.get(rest[:1])
        if name is None or not count.isdigit():
            raise _broken(path, line)
        if len(word) < _FEWEST_LETTERS:
            continue
        tagged.add(word)
        if sense == "1" and word.isalpha() and word not in function_words:
            this = int(count), -_NAMES.index(name), name
            counts[word] = max(counts.get(word, this), this)
    by_name = {
        name: frozenset(word for word, (*_, best) in counts.items() if best == name)
        for name in _NAMES
    }
    return tagged, by_name


def _offsets(path: Path) -> Iterator[tuple[str, int]]:
    """The place of the first sense of each word."""
    for line, (word, *fields) in _rows(path, 7):
        try:
            yield word, int(fields[5 + int(fields[2])])
        except (ValueError, IndexError) as error:
            raise _broken(path, line) from error


def _irregular(path: Path) -> Iterator[str]:
    """Inflected words that follow no rule: `found`."""
    for _, (word, base, *_) in _rows(path, 2):
        if word != base:
            yield word


def _is_inflected(word: str, name: str, lemmas: Mapping[str, Collection[str]]) -> bool:
    """Whether a word may be a form of another: `meaning`, beside the noun the verb's.

    Args:
        word: the word.
        name: its part of speech.
        lemmas: the base forms of each part of speech.
    """
    kinds = ("noun", "verb") if name in {"noun", "verb"} else ("noun", "verb", "adj")
    for kind in kinds:
        for ending, of_base in _ENDINGS[kind].items():
            if not word.endswith(ending):
                continue
            base = word.removesuffix(ending) + of_base
            bases = (base, f"{base}e") if ending == "ing" else (base,)
            if len(base) >= _FEWEST_LETTERS and any(each in lemmas[kind] for each in bases):
                return True
    return False


def _synonyms(data: mmap.mmap, path: Path, word: str, offset: int) -> tuple[str, ...]:
    """The other words of a synset; none if the word itself is a name there."""
    data.seek(min(offset, len(data)))
    fields = data.readline().decode("utf-8", "replace").split()
    try:
        count = int(fields[3], 16)
        words = fields[4 : 4 + 2 * count : 2]
        if int(fields[0]) != offset or len(words) != count:
            raise _broken_synset(path, offset)
    except (ValueError, IndexError) as error:
        raise _broken_synset(path, offset) from error
    if word not in (each.partition("(")[0] for each in words):
        return ()
    # Adjectives with a mark, "afloat(p)", stand in some places only.
    return tuple(each for each in words if each.islower() and "(" not in each and each != word)


def _rows(path: Path, fewest: int) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line, without those of the licence, which begin with spaces."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if line.isspace() or line.startswith(" "):
                continue
            fields = line.split()
            if len(fields) < fewest:
                raise _broken(path, number)
            yield number, fields


def _broken(path: Path, line: int) -> UserError:
    return UserError(
        f"{path}: line {line} is not in the format of WordNet's database files (wndb); "
        "unpack them again",
        reason="InvalidData",
    )


def _broken_synset(path: Path, offset: int) -> UserError:
    return UserError(
        f"{path}: there is no synset at byte {offset}, to which the index points; both files must "
        "be of the same version of WordNet",
        reason="InvalidData",
    )
