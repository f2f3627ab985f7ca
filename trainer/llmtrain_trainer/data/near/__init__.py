"""Near duplicates: documents that share most of their sequences of words."""
