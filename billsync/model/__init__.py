"""The words of the field as frozen dataclasses: money, work, contract, invoice, book. Standard library only."""
