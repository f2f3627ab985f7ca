"""The micro batch of a stage whose manifest names none: found by trying, and remembered."""
