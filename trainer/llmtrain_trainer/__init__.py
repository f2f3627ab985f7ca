"""The trainer: runs one stage of a job, as its run config says."""
