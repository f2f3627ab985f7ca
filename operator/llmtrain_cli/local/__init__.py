"""`llmtrain run`: the second executor of the state machine, on a Ray of this machine's own."""
