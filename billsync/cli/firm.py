"""What a command needs of the firm: its configuration, its ledger opened for looking, tonight's evaluation."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from billsync.model.book import Facts
from billsync.model.statement import Evaluation

if TYPE_CHECKING:
    from billsync.ledger import Ledger
    from billsync.sync.firm import Firm


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A firm and its ledger, looked at and not changed."""

    firm: Firm
    ledger: Ledger

    def evaluate(self, *, as_of: date | None = None, only: Collection[str] | None = None) -> tuple[Facts, Evaluation]:
        """What the rules say today, or said on a past day. `only`: just these identities and what they touch."""
        from billsync.rules.engine import evaluate

        today = as_of or self.firm.today
        facts = self.ledger.facts(self.firm.terms, now=self.firm.now(), today=today, as_of=as_of, only=only)
        return facts, evaluate(facts)


@contextmanager
def look(config: Path | None) -> Iterator[Look]:
    """Open the firm and its ledger for reading."""
    from billsync.sync.firm import open_firm

    firm = open_firm(config)
    with firm.ledger(read_only=True) as ledger:
        yield Look(firm=firm, ledger=ledger)
