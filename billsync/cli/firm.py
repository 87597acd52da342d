"""What a command needs of the firm: its configuration, its ledger opened for looking, tonight's evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from billsync.model.book import Facts, Terms
from billsync.model.statement import Evaluation, Item

if TYPE_CHECKING:
    from billsync.ledger import Ledger
    from billsync.sync.firm import Firm


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A firm and its ledger, looked at and not changed."""

    firm: Firm
    ledger: Ledger

    def evaluate(self, *, as_of: date | None = None, only: str | None = None) -> tuple[Facts, Evaluation]:
        """What the rules say today, or said at the end of a past day (the firm's). `only`: one item and its
        contracts, also where it is billed and at rest."""
        from billsync.rules.engine import evaluate

        then = None if as_of is None else _end_of(as_of, self.firm.terms.zone)
        facts = self.ledger.facts(
            self.firm.terms, now=then or self.firm.now(), today=as_of or self.firm.today, as_of=then, only=only
        )
        return facts, evaluate(facts)

    def facts(self, *, terms: Terms | None = None, everything: bool = False) -> Facts:
        """What the rules would look at now, under other terms than the firm's where some are given. `everything`: work
        at rest too."""
        return self.ledger.facts(
            terms or self.firm.terms, now=self.firm.now(), today=self.firm.today, everything=everything
        )

    def settled(self, evaluation: Evaluation) -> Iterator[Item]:
        """Billed items at rest that this evaluation has not looked at, read from the ledger one by one."""
        seen = {item.identity for item in evaluation.items}
        return (item for item in self.ledger.settled_items(self.firm.terms) if item.identity not in seen)


def _end_of(day: date, zone: str) -> datetime:
    """The last instant of a day in the firm's zone."""
    following = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(zone))
    return following.astimezone(UTC) - timedelta(microseconds=1)


@contextmanager
def look(config: Path | None) -> Iterator[Look]:
    """Open the firm and its ledger for reading."""
    from billsync.sync.firm import open_firm

    firm = open_firm(config)
    with firm.ledger(read_only=True) as ledger:
        firm.terms = ledger.with_told(firm.terms)
        yield Look(firm=firm, ledger=ledger)
