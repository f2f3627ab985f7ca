"""The informer: caches of what the watches have seen, and the queue of jobs to reconcile."""
