"""The contents of the page's sections, computed from the sources."""
