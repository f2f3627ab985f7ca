"""The tokenizer stage: a vocabulary learned from the documents, and the documents as tokens."""
