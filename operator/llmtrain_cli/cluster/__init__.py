"""The commands that speak to a Kubernetes cluster."""
