"""The state machine of a job: pure functions, without clock, network or randomness."""
