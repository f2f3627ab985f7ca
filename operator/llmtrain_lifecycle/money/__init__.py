"""The cost of Pods: prices, ledger, and the figures computed from it."""
