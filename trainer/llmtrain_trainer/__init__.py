"""The trainer: runs one stage of a job, as its run config says."""

import sys

# transformers would import torchao, which takes a second of CPU time in each process; only
# `precision: fp8` needs it, and lifts this (training/fp8.py).
sys.modules.setdefault("torchao", None)  # type: ignore[arg-type]  # what import takes for "not there"
