"""The steps of the data stage: one module for each kind that a manifest may list."""
