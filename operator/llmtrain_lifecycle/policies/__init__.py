"""One rule a file; each is a pure function with a table test of its own."""
