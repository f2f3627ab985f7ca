"""Misspelled words of a corpus, by a dictionary and by what the corpus itself says often."""
