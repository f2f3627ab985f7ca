"""The sources of documents: one module for each kind."""
