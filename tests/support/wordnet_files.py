"""A small WordNet, in the format of the real one."""

from pathlib import Path

_LETTERS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
_NUMBERS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
_LICENCE = "  1 This is a licence, whose lines begin with spaces.\n"

SYNSETS = {
    "noun": {
        "ferry ferryboat": 3,
        "harbour haven seaport": 4,
        "US America": 9,
        "taste gustation": 2,
        "told announcement": 9,
    },
    "verb": {"freeze stop_dead": 5, "burn combust": 1, "leave depart go_away": 12},
    "adj": {"strong potent": 7, "closed shut(p)": 6, "short brief": 2, "burned scorched": 5},
    "adv": {"twice two_times": 3, "never ne'er": 8, "rare rarely": 0},
}
"""Words of synsets, and how often the first of them is tagged."""


def write_wordnet(folder: Path, synsets: dict[str, dict[str, int]] = SYNSETS) -> Path:
    """Write the files.

    Args:
        folder: made here.
        synsets: by part of speech: words in one text, and how often each is tagged in this sense.
    """
    folder.mkdir(parents=True)
    counts = []
    for name, letter in _LETTERS.items():
        index, data = [], _LICENCE
        for text, count in synsets.get(name, {}).items():
            words = text.split()
            listed = " ".join(f"{word} 0" for word in words)
            offset = len(data.encode())
            data += f"{offset:08} 00 {letter} {len(words):02x} {listed} 000 | a gloss  \n"
            for word in words:
                lemma = word.partition("(")[0].lower()
                index.append(f"{lemma} {letter} 1 1 @ 1 {int(count > 0)} {offset:08}  \n")
                if count:
                    counts.append(f"{lemma}%{_NUMBERS[name]}:00:00:: 1 {count}\n")
        (folder / f"data.{name}").write_text(data)
        (folder / f"index.{name}").write_text(_LICENCE + "".join(sorted(index)))
        (folder / f"{name}.exc").write_text("told tell\n" if name == "verb" else "")
    (folder / "cntlist.rev").write_text("".join(sorted(counts)))
    return folder
