"""The operator: watches jobs on a cluster and executes the state machine's decisions."""
