"""What people do by day: record work, change their minds, decide exceptions, and work in the books by hand.

Each function takes the world and an event, and does nothing where there is nothing to do it to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

from billsync.ledger.backup import restore
from billsync.ledger.relearn import Relearned
from billsync.model.book import DecisionKind
from billsync.model.errors import BillsyncError
from billsync.model.statement import Item
from billsync.testing.books import Document
from billsync.torture.script import Event
from billsync.torture.shapes import LINES, PROJECTS
from billsync.torture.world import World

T = TypeVar("T")
NAMES: Final = tuple(LINES)
HOURS: Final = ("0.25", "1.00", "2.50", "7.75", "3.33", "0.10")
AMOUNTS: Final = ("12.50", "99.99", "240.00", "7.01")
STATES: Final = ("approved", "approved", "submitted", "rejected")
YEAR: Final = timedelta(days=365)
_TO_RESTORE: Final = 300
"""Seconds before a lost or restored ledger is used: what left just before is to be seen in the books by then."""


def happens(world: World, event: Event) -> None:
    """One event of the day. An error that a person would read is written down, as they would read it."""
    try:
        DAY[event.what](world, event)
    except BillsyncError as error:
        world.say(f"{event.what}: {' | '.join(str(error).splitlines())}")


def _today(world: World) -> date:
    return world.clock.now().date()


def _chosen(of: Sequence[T], number: int) -> T | None:
    return of[number % len(of)] if of else None


# ---- In the work log ---------------------------------------------------------------------------------------------


def _insert(world: World, event: Event) -> None:
    table, how = event.name, event.how
    project = PROJECTS[event.at % len(world.shape.terms.contracts)] if event.at % 11 else PROJECTS[2]
    on = str(_today(world) - timedelta(days=how % 9))
    if table == "time":
        members: dict[str, Any] = {"hours": Decimal(HOURS[how % len(HOURS)]), "person": ("ana", "ben")[event.at % 2]}
        members |= {"on": on, "state": STATES[how % 3]}
    elif table == "expenses":
        members = {"amount": Decimal(AMOUNTS[how % len(AMOUNTS)]), "on": on, "state": STATES[how % 3]}
    else:
        members = {"name": NAMES[how % 3], "amount": Decimal(100 + how), "done": on if how % 2 else None}
    ident = world.work.add(table, project=project, **members)
    world.worth.seen(table, world.work.tables[table][ident])


def _row(world: World, event: Event) -> tuple[str, dict[str, Any]] | None:
    rows = world.work.tables[event.name]
    ident = _chosen(list(rows), event.at)
    return None if ident is None else (ident, rows[ident])


def _edit(world: World, event: Event) -> None:
    found = _row(world, event)
    if found is None:
        return
    ident, _ = found
    changes: Mapping[str, Mapping[str, Any]] = {
        "time": {"hours": Decimal(HOURS[event.how % len(HOURS)])},
        "expenses": {"amount": Decimal(AMOUNTS[event.how % len(AMOUNTS)])},
        "milestones": {"amount": Decimal(100 + event.how)},
    }
    _changed(world, event.name, ident, **changes[event.name])


def _changed(world: World, table: str, ident: str, **members: Any) -> None:
    world.worth.seen(table, world.work.edit(table, ident, **members))


def _delete(world: World, event: Event) -> None:
    found = _row(world, event)
    if found is not None:
        world.work.delete(event.name, found[0])


def _turn(world: World, event: Event) -> None:
    """Approve, withdraw the approval, close and re-open, accept, move, take from the bill."""
    found = _row(world, event)
    if found is None:
        return
    ident, row = found
    if event.name == "milestones":
        done = None if row["done"] and event.how % 3 == 0 else str(_today(world))
        accepted = {"accepted": True} if event.how % 4 == 0 else {}
        _changed(world, event.name, ident, done=done, **accepted)
    elif event.how % 9 == 8:
        _changed(world, event.name, ident, project=PROJECTS[event.how % len(PROJECTS)])
    elif event.how % 9 == 7:
        _changed(world, event.name, ident, billable=not row["billable"])
    else:
        _changed(world, event.name, ident, state=STATES[event.how % len(STATES)])


# ---- Decisions ---------------------------------------------------------------------------------------------------


def _decide(world: World, event: Event) -> None:
    kind = event.name
    items = [item for item in (world.last.items if world.last else ()) if _fits(kind, item)]
    item = _chosen(items, event.at)
    if item is None:
        return
    amount = max(1, item.amount * (1 + event.how % 3) // 3) if kind == "credit" and event.how % 2 else None
    target = f"HAND-{event.how}" if kind == "map" else ""
    until = world.firm.today + timedelta(days=event.how % 5) if kind == "hold" and event.how % 2 else None
    world.say(f"{kind} {item.identity} {amount or ''}{target}")
    chosen: Any = kind
    decide(world, chosen, item.identity, amount=amount, target=target, until=until)


def decide(world: World, kind: DecisionKind, subject: str, **more: Any) -> None:
    """A decision in the ledger, by Ana."""
    with world.firm.ledger() as ledger:
        ledger.decide(kind, subject, person="ana", reason="as agreed", at=world.now(), **more)
    world.decided.add(subject)


def _fits(kind: str, item: Item) -> bool:
    if kind == "credit":
        return item.bucket == "billed" and item.amount > 0
    if kind == "rebill":
        return item.cause == "credited"
    if kind == "map":
        return item.bucket in ("held", "ready") and item.amount > 0
    return True


def _let_go(world: World, event: Event) -> None:
    with world.firm.ledger() as ledger:
        gone = [one for one in ledger.documents() if one.receipt.status in ("voided", "deleted")]
        document = _chosen(gone, event.at)
        if document is None:
            return
        reference = _reference_of(world, document.receipt.id) or document.receipt.reference
        world.say(f"let go {reference}")
        ledger.let_go(reference, person="ana", reason="voided by agreement", now=world.now(), night=world.firm.today)


def _reference_of(world: World, ident: str) -> str:
    """A deleted document may come back without its reference: the ledger's documents are matched by id."""
    return next((name for name, all_of in world.documents().items() for one in all_of if ident.endswith(one.id)), "")


# ---- In the books ------------------------------------------------------------------------------------------------


def _by_hand(world: World, event: Event) -> None:
    world.books.look()
    standing = [one for one in world.books.documents.values() if one.status in ("draft", "open")]
    if event.name == "enter":
        world.books.enter(f"HAND-{event.at}", 100 + event.how, note="by hand")
        return
    document = _chosen(standing, event.at)
    gone = event.name in ("void", "delete")
    if document is None or (gone and world.books.paid(document)):  # books refuse to void what is paid
        return
    if gone:
        world.taken_back |= _credits(world, document)
    world.say(f"{event.name} {document.id} in the books")
    world.edited.add(document.id)
    if event.name == "void":
        world.books.void(document)
    elif event.name == "delete":
        world.books.delete(document)
    elif event.name == "edit":
        world.books.edit(document, amount=document.lines[0].amount + 1 + event.how)
    elif document.kind == "invoice" and document.total > 0:
        world.books.pay(document, document.total if event.how % 2 else None)


def _credits(world: World, document: Document) -> set[str]:
    """Identities that the document takes back."""
    names = {document.number, *document.note.split()} & world.sent.keys()
    return {
        part.identity for name in names for line in world.sent[name].lines for part in line.parts if part.amount < 0
    }


# ---- The computer ------------------------------------------------------------------------------------------------


def _jump(world: World, event: Event) -> None:
    """The firm's clock is wrong by a year, or right again."""
    world.skew = (YEAR, -YEAR, timedelta(0))[event.how % 3]
    world.say(f"the clock is wrong by {world.skew.days} days")


def _backup(world: World, event: Event) -> None:
    target = world.folder / f"backup-{len(world.backups)}.db"
    with world.firm.ledger() as ledger:
        ledger.backup(target, world.now())
    world.backups.append(target)


def _restore(world: World, event: Event) -> None:
    backup = _chosen(world.backups, event.at)
    if backup is not None:
        world.say(f"restore {backup.name}")
        _forget(world)
        restore(backup, world.firm.config.ledger_path, force=True)
        with world.firm.ledger() as ledger:
            world.polled_before = ledger.last_polled()


def _lose(world: World, event: Event) -> None:
    world.say("the ledger is lost")
    _forget(world)
    path = world.firm.config.ledger_path
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _forget(world: World) -> None:
    """Whoever brings a ledger back takes minutes over it. What the clock is compared with then is not known here."""
    world.clock.advance(_TO_RESTORE)
    world.skew_before, world.polled_before, world.forgot = None, None, True


def relearn(world: World, event: Event | None = None) -> Relearned:
    """`billsync ledger relearn books`."""
    firm = world.firm
    with firm.ledger() as ledger, firm.sink("books") as books:
        receipts = list(books.read_back(None))
        learned = ledger.relearn("books", receipts, person="ana", now=world.now(), night=firm.today)
    world.say(f"learned {len(learned.documents)}, not {len(learned.unlearned)}, let go {len(learned.let_go)}")
    return learned


def settle_unlearned(world: World, references: Iterable[str]) -> None:
    """What a person does about documents that bear no stamp: void them, so that their work is billed anew.

    What is paid cannot be voided: they say of its work where it stands. One that takes something back is more than
    that: the run ends with the question."""
    for reference in references:
        for document in world.documents().get(reference, ()):
            if document.status not in ("draft", "open"):
                continue
            if _credits(world, document):
                world.asks_a_person = True
            elif world.books.paid(document):
                world.say(f"map what is on {document.id}, which cannot be learned")
                world.mapped.add(reference)
                for identity in {part.identity: None for line in world.sent[reference].lines for part in line.parts}:
                    decide(world, "map", identity, target=reference)
            else:
                world.say(f"void {document.id} in the books, which cannot be learned")
                world.edited.add(document.id)
                world.books.void(document)


def _token_dies(world: World, event: Event) -> None:
    if world.books.grants is not None:
        world.books.grants.kill_access()


DAY: Final[Mapping[str, Callable[[World, Event], object]]] = {
    "insert": _insert,
    "edit": _edit,
    "delete": _delete,
    "turn": _turn,
    "decide": _decide,
    "let_go": _let_go,
    "hand": _by_hand,
    "jump": _jump,
    "backup": _backup,
    "restore": _restore,
    "lose": _lose,
    "relearn": relearn,
    "token": _token_dies,
}
