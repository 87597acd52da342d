"""All that a connector may import besides billsync.model."""
