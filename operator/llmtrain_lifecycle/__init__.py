"""The life cycle of a job: from what is there to what is to be done. No clock, no network, no chance."""
