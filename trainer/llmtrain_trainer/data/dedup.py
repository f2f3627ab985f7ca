"""Drops documents whose text was seen before."""

import hashlib

KEY_BYTES = 16
"""At 10^12 documents, the chance that any two different ones share a key is 10^-15."""


def document_key(text: str) -> bytes:
    """A hash of a text that is the same whatever its white space and case."""
    normal = " ".join(text.split()).casefold()
    return hashlib.blake2b(normal.encode(), digest_size=KEY_BYTES).digest()


class SeenDocuments:
    """The keys of the documents so far: about 100 bytes of memory for each."""

    def __init__(self) -> None:
        self._keys: set[bytes] = set()

    def add(self, key: bytes) -> bool:
        """Remember a key; whether it is new."""
        before = len(self._keys)
        self._keys.add(key)
        return len(self._keys) > before
