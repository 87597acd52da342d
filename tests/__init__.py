"""The tests. A regular package, so that no stray `tests` in site-packages takes its place."""
