"""Progress: what a driver says about itself, and how others read it."""
