"""`llmtrain run`: the local executor of the state machine, with its own Ray on this machine."""
