"""Where the books are kept: each file writes to one vendor."""
