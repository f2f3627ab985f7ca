"""What Pods cost: prices, the ledger, and the figures that follow from it."""
