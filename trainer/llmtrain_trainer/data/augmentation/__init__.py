"""Changed copies of training documents."""
