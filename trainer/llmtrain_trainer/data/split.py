"""Which documents are held out."""

_HASH_BYTES = 8
_HASHES = 1 << (8 * _HASH_BYTES)


def is_held_out(key: bytes, fraction: float) -> bool:
    """Whether a document is for validation: by its hash, so always the same way.

    Args:
        key: hash of the document, uniform over its first 8 bytes.
        fraction: share of documents held out.
    """
    return int.from_bytes(key[:_HASH_BYTES]) / _HASHES < fraction
