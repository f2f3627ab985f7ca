"""The trainer: runs one stage of a job, as its run config says."""

import logging
import os
import sys

# transformers would import torchao, which takes a second of CPU time in each process; only
# `precision: fp8` needs it, and lifts this (training/fp8.py).
sys.modules.setdefault("torchao", None)  # type: ignore[arg-type]  # what import takes for "not there"

# Bars and tables of libraries would stand between the lines of our log, and before an error. What
# the table of a model's weights says is checked where it is loaded; tensor parallelism is not
# transformers' own.
for _library in ("HF_HUB", "HF_DATASETS"):  # transformers goes by the first
    os.environ.setdefault(f"{_library}_DISABLE_PROGRESS_BARS", "1")
for _module in ("modeling_utils", "distributed.tensor_parallel"):
    logging.getLogger(f"transformers.{_module}").setLevel(logging.ERROR)
