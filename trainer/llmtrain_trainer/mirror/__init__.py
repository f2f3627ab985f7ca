"""A copy of a job's results in object storage, from which a job with an empty workspace goes on."""
