"""The Kubernetes objects that a job needs, from its manifest."""
