"""Where work is done: each file reads one vendor."""
