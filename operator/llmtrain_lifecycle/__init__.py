"""The life cycle of a job: what happens to it next. No clock, no network, no chance."""
