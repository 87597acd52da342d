"""The connectors that come with billsync: one vendor, one file, named after its kind."""
