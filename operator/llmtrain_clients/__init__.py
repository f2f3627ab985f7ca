"""Clients of the programs around a job: the Kubernetes API, Ray, the driver."""
