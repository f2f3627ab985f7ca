"""The data stage: raw text in, clean and split documents out."""
