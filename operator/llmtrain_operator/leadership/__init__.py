"""Leadership: of several operators one reconciles, and the others are ready to take over."""
