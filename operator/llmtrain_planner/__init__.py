"""Pure arithmetic about a job: parameters, FLOPs, memory, tokens, time, money."""
