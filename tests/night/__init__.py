"""Whole nights: real sessions over loopback, real ledgers, real processes."""
