"""The ledger: the only writer of the database. What was seen, decided, billed and answered, and the proof of it."""

from billsync.ledger.store import Ledger

__all__ = ["Ledger"]
