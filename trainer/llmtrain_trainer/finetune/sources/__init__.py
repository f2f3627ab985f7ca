"""The sources of conversations: one module for each kind."""
