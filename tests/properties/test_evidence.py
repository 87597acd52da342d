"""Evidence: its rows sum to the lines of the document to the cent, and no word in it runs, breaks out or is lost."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from billsync.model.invoice import Evidence, Invoice, Line, Part
from billsync.model.money import to_major
from billsync.model.work import Acceptance, Approval, Milestone, Record, SourceKey, TimeEntry
from billsync.reports.evidence import Versions, proofs
from billsync.reports.render.csv import undo
from billsync.reports.render.evidence import File, files

WANTED = {"C": frozenset({"time_detail", "acceptance"})}
CURRENCIES = st.sampled_from(["USD", "JPY", "KWD"])
NASTY = st.sampled_from(
    [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "</td><script>alert(1)</script>",
        '"a","b"\n=x',
        "{{ 7 * 7 }}",
    ]
)
WORDS = st.one_of(NASTY, st.text(max_size=12).filter(lambda text: "\x00" not in text and "\r" not in text))
WORDS = WORDS.filter(lambda text: all(sign.isprintable() or sign in "\n\t" for sign in text))
ENTRIES = st.lists(st.tuples(st.integers(-10_000, 10_000_000), WORDS, WORDS, st.booleans()), min_size=1, max_size=6)
LINES = st.lists(st.tuples(st.sampled_from(["time", "adjustment"]), WORDS, ENTRIES), min_size=1, max_size=4)


def made(lines: Any, currency: str) -> tuple[Invoice, Versions]:
    """A document of time, with the versions behind it; some of them are lost."""
    versions: dict[Evidence, Record] = {}
    written = []
    for place, (kind, text, entries) in enumerate(lines):
        parts = []
        for number, (amount, task, notes, known) in enumerate(entries):
            ident = f"{place}-{number}"
            pinned = Evidence(key=SourceKey(account="work", kind="time", id=ident), version=f"v{ident}")
            if known:
                versions[pinned] = TimeEntry(
                    id=ident, project="P", person="ana", worked_on=date(2026, 3, 2), hours=Decimal("1.25"),
                    billable=True, approval=Approval(state="approved"), task=task, notes=notes,
                )  # fmt: skip
            parts.append(
                Part(identity=f"time/work/{ident}", contract="C", amount=amount, evidence=(pinned,), quantity=None)
            )
        written.append(Line(kind=kind, text=text, amount=sum(one.amount for one in parts), parts=tuple(parts)))
    kept = Line(kind="holdback", text="Holdback", amount=-5, parts=(Part(identity="x", contract="C", amount=-5),))
    invoice = Invoice(
        kind="invoice", reference="BS-1", customer="1", client="acme", client_name="Acme <&>", currency=currency,
        issued_on=date(2026, 3, 31), due_on=None, lines=(*written, kept), stamp="",
    )  # fmt: skip
    return invoice, versions


def written(invoice: Invoice, versions: Versions, *, pages: bool = True) -> list[File]:
    found = proofs(invoice, versions, WANTED, firm="Roe & Co", persons={"work:ana": "Ana Roe"})
    return [file for proof in found for file in files(proof, invoice.reference, pages=pages)]


def rows_of(file: File) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.content.decode(), newline="")))


OURS = set("html head meta title style body h1 h2 p table thead tr th tbody td span".split())


class Text(HTMLParser):
    """The words of a page, and the elements that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


@given(LINES, CURRENCIES)
def test_the_rows_of_a_line_sum_to_it(lines: Any, currency: str) -> None:
    invoice, versions = made(lines, currency)
    table, _ = written(invoice, versions)
    rows = rows_of(table)
    for place, line in enumerate(invoice.lines[:-1], start=1):
        mine = [Decimal(row["amount"]) for row in rows if row["line"] == str(place)]
        assert sum(mine, Decimal(0)) == to_major(line.amount, currency), f"line {place} is not what its rows sum to"
        assert len(mine) == len(line.parts), "a part has no row"
    assert not [row for row in rows if row["line"] == str(len(invoice.lines))], "holdback is no time"


@given(LINES)
def test_no_cell_runs_in_a_spreadsheet_and_none_loses_a_word(lines: Any) -> None:
    invoice, versions = made(lines, "USD")
    table, _ = written(invoice, versions)
    expected = [entry for _, _, entries in lines for entry in entries]
    for row, (_, task, notes, known) in zip(rows_of(table), expected, strict=True):
        for cell in row.values():
            assert not re.match(r"[=+@\t\r]", cell) and not re.match(r"-(?!\d+(\.\d+)?$)", cell), f"{cell!r} runs"
        if known:
            assert (undo(row["task"]), undo(row["notes"])) == (task, notes), "the record's words are not the client's"
        else:
            assert "not in the ledger" in row["remark"], "a row without its version must say so"


@given(LINES)
def test_no_word_of_a_record_becomes_a_part_of_the_page(lines: Any) -> None:
    invoice, versions = made(lines, "USD")
    page = Text()
    page.feed(written(invoice, versions)[1].content.decode())
    assert page.tags <= OURS, f"a record's own words made an element: {page.tags - OURS}"
    told = [task for _, _, entries in lines for _, task, _, known in entries if known]
    assert all(task in page.words for task in told), "words are lost, or were run as a template"
    assert "Acme <&>" in page.words and "Roe & Co" in page.words


@given(LINES, CURRENCIES)
def test_the_same_document_gives_the_same_bytes(lines: Any, currency: str) -> None:
    first, again = (written(*made(lines, currency), pages=False) for _ in range(2))
    assert first == again and [file.media_type for file in first] == ["text/csv", "text/plain"]


def accepted(**more: Any) -> tuple[Invoice, Versions]:
    pinned = Evidence(key=SourceKey(account="work", kind="milestone", id="M"), version="v1")
    record = Milestone(
        id="M", project="P", name="Permit set", status="done", completed_on=date(2026, 3, 1), **more
    )  # fmt: skip
    part = Part(identity="C/line/permit", contract="C", amount=500, evidence=(pinned,))
    line = Line(kind="milestone", text="Permit set", amount=500, parts=(part,))
    credit = Line(kind="credit", text="Credit", amount=-500, parts=(Part(**{**_plain(part), "amount": -500}),))
    invoice, _ = made([], "USD")
    return Invoice(**{**_plain(invoice), "lines": (line, credit)}), {pinned: record}


def _plain(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def test_acceptance_tells_what_the_gate_saw() -> None:
    acceptance = Acceptance(
        accepted=True, by="J. Client", on=date(2026, 3, 3), evidence="https://x.example/a.pdf", evidence_hash="ab12"
    )
    invoice, versions = accepted(acceptance=acceptance, attachments=("permit.pdf", "=evil.pdf"))
    table, page = written(invoice, versions)
    [row] = rows_of(table)
    told = [row[name] for name in ("milestone", "completed_on", "accepted", "accepted_by", "accepted_on")]
    assert told == ["Permit set", "2026-03-01", "yes", "J. Client", "2026-03-03"]
    assert (row["evidence"], row["evidence_hash"]) == ("https://x.example/a.pdf", "ab12")
    assert row["documents"] == "permit.pdf | =evil.pdf" and (row["record"], row["version"]) == (
        "work/milestone/M",
        "v1",
    )
    assert b"J. Client" in page.content and table.name == "BS-1-acceptance.csv"


def test_nothing_is_shown_of_what_nobody_accepted_or_asked_for() -> None:
    assert written(*accepted()) == [], "without acceptance and documents there is nothing to show"
    invoice, versions = accepted(attachments=("a.pdf",))
    others = {"C": frozenset({"time_detail"}), "D": frozenset({"acceptance"})}
    assert not list(proofs(invoice, versions, others, firm="Roe", persons={}))
