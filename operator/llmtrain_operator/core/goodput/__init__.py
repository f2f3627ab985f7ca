"""Where a job's time goes."""
