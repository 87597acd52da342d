"""Speed, as ratios side by side on the same machine. Never a test: a figure to read, with what it was measured against."""
