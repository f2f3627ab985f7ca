"""Fine-tuning: conversations become packed sequences in which the assistant's tokens count."""
