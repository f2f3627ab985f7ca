"""Commands that use a Kubernetes cluster."""
