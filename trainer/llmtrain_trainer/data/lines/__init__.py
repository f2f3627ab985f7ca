"""Lines and paragraphs that several documents have in common."""
