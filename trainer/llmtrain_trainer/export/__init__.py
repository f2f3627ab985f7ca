"""Export: the folder that the job hands over."""
