"""Reports: each builds a plain record from the ledger, which a renderer shows."""
