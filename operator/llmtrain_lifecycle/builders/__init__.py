"""Builds a job's Kubernetes objects from its manifest."""
