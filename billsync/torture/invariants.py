"""What must hold after every step, and what must hold in the end: each breach is one sentence with its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from billsync.ledger import Ledger
from billsync.model.errors import Fork
from billsync.model.invoice import Invoice
from billsync.model.statement import Evaluation
from billsync.model.work import Kind, Observation, PollReceipt, version_of
from billsync.sdk.parse import instant
from billsync.sdk.row import Row
from billsync.sync import NightSummary
from billsync.testing.worklog import record_of
from billsync.torture.shapes import PROJECTS, START
from billsync.torture.world import World

KIND_OF_TABLE: Final[Mapping[str, Kind]] = {"time": "time", "expenses": "expense", "milestones": "milestone"}
STANDING: Final = ("draft", "open")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """`kind`: duplicate, lost, statement, journal, silent, poll, document, stranger or secret; `what` in a sentence."""

    kind: str
    what: str


# ---- After every step --------------------------------------------------------------------------------------------


def of_the_books(world: World) -> Iterator[Breach]:
    """One reference, one document; no identity billed above what it was ever worth, on documents that stand."""
    for reference in world.changed_under_way:
        yield Breach(kind="document", what=f"{reference} was sent with another content than before")
    for misdated in world.misdated:
        yield Breach(kind="document", what=f"{misdated}, and every vendor told the true time")
    gross: dict[str, int] = {}
    cash: dict[str, int] = {}
    for reference, documents in world.documents().items():
        standing = [one for one in documents if one.status in STANDING]
        if len(standing) > 1:
            yield Breach(kind="duplicate", what=f"{len(standing)} documents bear {reference}")
        invoice = world.sent[reference]
        if standing or invoice.kind == "credit_memo":
            _add(invoice, gross, cash)
    for name, amounts in (("billed", gross), ("charged", cash)):
        for identity, amount in amounts.items():
            most = world.worth.most(identity)
            if identity not in world.taken_back and (most is None or amount > most):
                yield Breach(
                    kind="duplicate", what=f"{identity} is {name} {amount}, and was never worth more than {most}"
                )


def _add(invoice: Invoice, gross: dict[str, int], cash: dict[str, int]) -> None:
    for line in invoice.lines:
        for part in line.parts:
            cash[part.identity] = cash.get(part.identity, 0) + part.amount
            if line.kind not in ("holdback", "release"):
                gross[part.identity] = gross.get(part.identity, 0) + part.amount


def of_the_night(world: World, summary: NightSummary, ledger: Ledger) -> Iterator[Breach]:
    """The statement balances, and nothing unknown reads as fine."""
    evaluation = summary.evaluation
    if evaluation is None:
        yield Breach(kind="silent", what="the night has no evaluation")
        return
    for row in evaluation.statement:
        if row.difference:
            yield Breach(kind="statement", what=f"{row.contract} of {row.client} differs by {row.difference}")
    open_intents = [one.reference for one in ledger.intents("sending", "unknown")]
    broken = [poll.kind for poll in summary.polls if not poll.complete]
    if (open_intents or broken or summary.troubles) and summary.exit_code == 0:
        yield Breach(kind="silent", what=f"exit code 0 with open {open_intents} and incomplete {broken}")
    if open_intents and evaluation.verdict == "balanced":
        yield Breach(kind="silent", what=f"balanced, with {open_intents} open")
    if broken and evaluation.verdict != "unknown":
        yield Breach(kind="silent", what=f"{evaluation.verdict}, with the poll of {broken} incomplete")
    if not world.forgot and any(isinstance(one, Fork) for one in summary.troubles):
        yield Breach(kind="stranger", what="a document of ours is called another ledger's, and none was ever lost")
    if world.skew_before not in (None, world.skew) and summary.exit_code == 0 and evaluation.verdict == "balanced":
        yield Breach(kind="silent", what="all is well, by a clock that is wrong by a year")
    if world.dated and world.skew and summary.exit_code == 0 and any(poll.complete for poll in summary.polls):
        yield Breach(kind="silent", what="all is well, by a clock that every vendor contradicts")


def of_the_polls(
    world: World, summary: NightSummary, ledger: Ledger, before: Mapping[str, Mapping[str, Any]]
) -> Iterator[Breach]:
    """A poll that calls itself complete knows every row that nobody touched meanwhile, as it is."""
    facts = ledger.facts(world.firm.terms, now=world.now(), today=world.firm.today, everything=True)
    seen = {(one.key.kind, one.key.id): one for one in facts.records}
    for table, kind in KIND_OF_TABLE.items():
        polls = [poll for poll in summary.polls if poll.kind == kind]
        if not polls or not all(poll.complete for poll in polls):
            continue
        for ident, row in before[table].items():
            if any(_asked(poll, row) for poll in polls) and world.work.tables[table].get(ident) == row:
                yield from _known(table, row, seen.get((kind, ident)))


def _asked(poll: PollReceipt, row: Mapping[str, Any]) -> bool:
    """True where the poll asked for this row: by its date, or because it changed since."""
    since = poll.window.changed_since
    changed = since is None or instant(row["updated_at"]) >= since.replace(microsecond=0)
    return changed and ("on" not in row or poll.window.since <= date.fromisoformat(row["on"]) <= poll.window.until)


def _known(table: str, row: Mapping[str, Any], found: Observation | None) -> Iterator[Breach]:
    name = f"{table} {row['id']}"
    if found is None:
        yield Breach(kind="poll", what=f"{name} was not read by a complete poll")
    elif found.vanished is not None:
        yield Breach(kind="poll", what=f"{name} is called vanished, and is there")
    elif found.version != version_of(record_of(table, Row(row, table))):
        yield Breach(kind="poll", what=f"{name} is known in an old version after a complete poll")


def of_the_journal(ledger: Ledger) -> Iterator[Breach]:
    """The chain is intact, and every fact is what the journal replays to."""
    checked = ledger.verify()
    for row, what in checked.problems[:3]:
        yield Breach(kind="journal", what=f"row {row}: {what}")


# ---- In the end --------------------------------------------------------------------------------------------------


def of_the_end(world: World, summary: NightSummary, ledger: Ledger, evaluation: Evaluation) -> Iterator[Breach]:
    """Faults have stopped and nights have passed: everything is billed or explained, every document known."""
    if summary.exit_code not in (0, 1):
        told = "; ".join(" | ".join(str(one).splitlines()) for one in summary.troubles)
        yield Breach(kind="lost", what=f"quiet nights end with exit code {summary.exit_code}: {told}")
    for item in evaluation.items:
        if item.bucket == "in_flight" or (item.bucket == "ready" and item.cause != "waits_for_period"):
            yield Breach(kind="lost", what=f"{item.identity} is still {item.bucket} {item.cause}")
    for reference, documents in world.documents().items():
        known = ledger.intent(reference)
        stands = reference not in world.mapped and any(one.status in STANDING for one in documents)
        if stands and (known is None or known.state != "confirmed"):
            yield Breach(kind="lost", what=f"{reference} is in the books, and {known.state if known else 'not known'}")
    yield from _voids_told(world, ledger, evaluation)
    yield from _all_billed(world, evaluation)


def _voids_told(world: World, ledger: Ledger, evaluation: Evaluation) -> Iterator[Breach]:
    """A document that a person took away is a finding until it is let go, whatever it said."""
    standing: dict[str, int] = {}
    facts = ledger.facts(world.firm.terms, now=world.now(), today=world.firm.today, everything=True)
    for posting in facts.postings:
        key = posting.fact.invoice
        standing[key] = standing.get(key, 0) + (posting.reverses is None) - (posting.reverses is not None)
    for reference, documents in world.documents().items():
        gone = not any(one.status in STANDING for one in documents)
        if gone and standing.get(reference) and evaluation.verdict == "balanced":
            yield Breach(kind="silent", what=f"{reference} was voided by hand, and all is called well")


def of_the_question(summary: NightSummary) -> Iterator[Breach]:
    """Only a person can go on: then every night says so, and sends nothing."""
    if summary.exit_code != Fork.exit_code or summary.pushed:
        yield Breach(kind="silent", what=f"exit code {summary.exit_code} where a person must decide")


def _all_billed(world: World, evaluation: Evaluation) -> Iterator[Breach]:
    """Approved billable work is billed at its value, or somebody said why not."""
    gross: dict[str, int] = {}
    for reference, documents in world.documents().items():
        if any(one.status in STANDING for one in documents):
            _add(world.sent[reference], gross, {})
    touched = _touched(world)
    explained = {item.identity for item in evaluation.items}
    waiting = {item.identity for item in evaluation.items if item.bucket not in ("billed", "withheld")}
    for table, kind in (("time", "time"), ("expenses", "expense")):
        for row in world.work.tables[table].values():
            identity = f"{kind}/work/{row['id']}"
            if not _earned(row, len(world.firm.terms.contracts), world.firm.today):
                continue
            if identity not in explained:
                yield Breach(kind="lost", what=f"{identity} is approved, and in no bucket")
            free = identity not in touched | waiting and f"c{row['project'][1:]}" in world.shape.plain
            if free and world.worth.constant(identity) and gross.get(identity, 0) != world.worth.most(identity):
                billed, worth = gross.get(identity, 0), world.worth.most(identity)
                yield Breach(kind="lost", what=f"{identity} is worth {worth}, and {billed} is in the books")


def _touched(world: World) -> set[str]:
    """What people decided about, and what stood on documents that they changed in the books."""
    touched = set(world.decided)
    for reference, documents in world.documents().items():
        if world.edited & {one.id for one in documents}:
            touched |= {part.identity for line in world.sent[reference].lines for part in line.parts}
    return touched


def _earned(row: Mapping[str, Any], contracts: int, today: date) -> bool:
    on = date.fromisoformat(row["on"])
    mapped = row["project"] in PROJECTS[:contracts]
    return bool(row["state"] == "approved" and row["billable"] and mapped and START <= on <= today)


def secrets_on_disk(world: World) -> Iterator[Breach]:
    """No secret is in the ledger, its side files, a backup, or what the run said."""
    secrets = [secret.encode() for secret in (*world.work.secrets(), *world.books.secrets())]
    said = "\n".join(world.lines).encode()
    files = [path for path in world.folder.rglob("*") if path.is_file() and "state" not in path.parts]
    for name, content in [("the protocol", said), *((path.name, path.read_bytes()) for path in files)]:
        if any(secret in content for secret in secrets):
            yield Breach(kind="secret", what=f"a secret is in {name}")
