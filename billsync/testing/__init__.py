"""The contract kit for authors of connectors, with fake vendors and tapes."""
