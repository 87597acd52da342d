"""docs/connectors/evidence.md: what `python -m benchmarks connectors` found out, in tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.connectors import (
    CHANGES,
    PAGE_SIZE,
    PROOFS,
    RECORDS,
    Connector,
    Tried,
    classes,
    kit_tests,
    middle,
)
from billsync.sdk.sink import Idempotency, Sink
from billsync.testing.account_contract import AccountContract
from billsync.testing.sink_contract import SinkContract
from billsync.testing.source_contract import SourceContract

INTRO: Final = f"""# What was tried on each connector

Written by `python -m benchmarks connectors --write`; `tests/plugins/test_evidence.py` holds it to what is measured.
Nothing here was tried on a vendor's live account: the fakes follow the vendors' published contracts and examples.

## Lines and calls

A vendor is one file; what it is helped by are files with a subject of their own, some shared by source and sink. Calls
are requests to the fake vendor, log-ins included, by the plan of a real night: a first sync of {RECORDS} records of
each kind, an idle night, a night after {CHANGES} changes, spread over the kinds. Books hold {RECORDS} documents of
others, and the last night sends {CHANGES} of ours. Pages have up to {PAGE_SIZE} rows.
"""
KIT: Final = """## The contract kit

Rows are tests of the kit, cells the cases that passed. **own**: the connector's test has a version of its own.
**-**: nothing to try. The reasons stand below each table. Files and the folder have no API: they are tried on a real
disk, changed by people as those would change it.
"""
GUESSES: Final = """## What is not confirmed

Facts that rest on memory or on public code, how a wrong guess would show itself, and the test that makes the wrong
guess. A connector that is not named has none.
"""
AIM, MOST = 110, 150
NOTE: Final = f"""
{{short}} of {{every}} files have fewer than {AIM} lines, none has more than {MOST}. The aim, a middle one below {AIM},
{{reached}} by these files alone: with its family the middle one has {{family}}, for a vendor's lists and records stand
there. Sinks are the longest, for books have twelve questions to answer, a tracker four or five.
Asana is asked for the tasks of each project, here fifty. Odoo's books take nine calls a document: what was made is
read back with lines, key and stamp, since the answer to a repeated call tells nothing of it."""
HELP: Final = {
    "key": "key, {window}",
    "unique": "unique reference",
    "upsert": "id of ours",
    "none": "none",
}


def page(every: Sequence[Connector], *, kept: str = "") -> str:
    """The whole page; where the kit was not run, with its tables as they stand in the `kept` page."""
    parts = [INTRO, *_lines(every), *_once(every)]
    if any(one.kit for one in every):
        parts += [KIT, *_kit(every, "source", SourceContract), *_kit(every, "sink", SinkContract)]
    elif kept:
        parts.append(
            kept[kept.index(KIT.partition("\n")[0]) : kept.index(GUESSES.partition("\n")[0])].rstrip("\n") + "\n"
        )
    return "\n".join([*parts, GUESSES, *_guesses(every)]).rstrip("\n") + "\n"


def _lines(every: Sequence[Connector]) -> Iterator[str]:
    yield row("connector", "lines", "with its family", "first sync", "idle night", f"{CHANGES} changes")
    yield row(*["---"] * 6)
    for one in every:
        calls = (one.calls.first, one.calls.idle, one.calls.changes) if one.calls else ("no calls",) * 3
        yield row(one.name, one.main, one.main + one.family, *calls)
    all_lines = middle(every, lambda one: one.main + one.family)
    yield row("median", middle(every, lambda one: one.main), all_lines, "", "", "")
    short = sum(one.main < AIM for one in every)
    reached = "is reached" if float(middle(every, lambda one: one.main)) < AIM else "is not reached"
    yield NOTE.format(short=short, every=len(every), reached=reached, family=all_lines)
    yield ""


def _once(every: Sequence[Connector]) -> Iterator[str]:
    yield "## Exactly once\n"
    yield "| sink | the books' help | a search shows it after | found by | stamp |\n| --- | --- | --- | --- | --- |"
    for name, found in classes().items():
        if issubclass(found, Sink):
            settle = f"{found.settle} s" if found.settle else "at once"
            yield row(name, _help(found.idempotency), settle, found.found_by, found.stamp)
    yield "\nProved by these tests of the kit, the first two for every fault before and after it took effect, the first"
    yield "under six manners of books (a key for ever, for a day, for six minutes; no key; unique numbers; late). The"
    yield "folder has no wire, and versions of its own: its writer is killed before any touch of the disk.\n"
    yield from (f"- {words(test)}" for test in PROOFS)
    yield ""


def _help(promise: Idempotency) -> str:
    window = "not relied on" if promise.window is None else f"{promise.window} s"
    return HELP[promise.how].format(window=window)


def _kit(every: Sequence[Connector], role: str, contract: type[AccountContract]) -> Iterator[str]:
    columns = [one for one in every if one.name.endswith(f"/{role}") and one.kit]
    yield f"### {role.capitalize()}s\n"
    yield row("test", *(one.name.partition("/")[0] for one in columns))
    yield row(*["---"] * (len(columns) + 1))
    for test in kit_tests(contract):
        yield row(words(test), *(_cell(one.kit.get(test)) for one in columns))
    yield ""
    for one in columns:
        yield from _reasons(one)
    yield ""


def _cell(tried: Tried | None) -> str:
    if tried is None:
        return "not run"
    if tried.failed:
        return f"**{tried.failed} failed**"
    if tried.passed:
        return f"{tried.passed} own" if tried.own else str(tried.passed)
    return "-" if tried.aside else "not run"


def _reasons(one: Connector) -> Iterator[str]:
    """Why there is nothing to try, and what a version of its own says; tests of one reason together."""
    said: dict[str, list[str]] = {}
    for test, tried in one.kit.items():
        if tried.own or (tried.aside and not tried.passed):
            said.setdefault(f"own: {tried.own}" if tried.own else tried.aside, []).append(words(test))
    yield from (f"- {one.name}, {'; '.join(tests)}: {reason}." for reason, tests in said.items())


def _guesses(every: Sequence[Connector]) -> Iterator[str]:
    yield "| connector | not confirmed | a wrong guess shows as | shown by |\n| --- | --- | --- | --- |"
    for one in every:
        for guess in one.guesses:
            tests = ", ".join(f"`{test}`" for test in guess.tests)
            yield row(one.name, guess.fact, guess.shows.rstrip("."), tests)


def row(*cells: object) -> str:
    """A row of a table."""
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def words(test: str) -> str:
    """A test's name as a sentence."""
    return test.removeprefix("test_").replace("_", " ")
