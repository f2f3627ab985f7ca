"""The manifest's spec, a file for each section."""
