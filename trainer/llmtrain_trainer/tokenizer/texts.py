"""How documents reach a learning tokenizer."""

from collections.abc import Callable, Iterator

Texts = Callable[[], Iterator[list[str]]]
"""Gives all documents, some at a time; from the first again each time it is called."""
