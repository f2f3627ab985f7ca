"""What Prometheus reads from the operator."""
