"""Speed, as ratios side by side on the same machine: a figure to read, with what it was measured against; no test."""
