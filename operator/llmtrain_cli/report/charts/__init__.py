"""Charts as SVG: from numbers to markup, and nothing else."""
