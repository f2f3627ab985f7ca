"""What each section of the page says, worked out from the sources."""
