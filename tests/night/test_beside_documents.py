"""Whole nights over HTTP: evidence at the documents, marks at the sources, and people who are told in the morning."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from billsync.ledger.marks import Marks as MarksKept
from billsync.model.book import DecisionKind
from billsync.model.errors import LedgerError, SecretError, UsageError
from billsync.sync import NightSummary
from billsync.sync.check import check
from billsync.testing.asana import choice_field
from billsync.testing.server import Request
from billsync.testing.smtp import FakeSmtp
from billsync_plugins.sinks.quickbooks import QuickBooks
from tests.night.firms import Vendors, vendors

MARK = "88"


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Vendors]:
    with vendors(tmp_path) as found:
        for task in found.asana.tables["tasks"].values():
            task["custom_fields"].append(choice_field(MARK, "Invoice", None))
        yield found


def said(firm: Vendors, **changes: Any) -> None:
    """Change the configuration: `sources__plans__mark_billed=True` sets that key."""
    config = json.loads(firm.config.read_text(encoding="utf-8"))
    for path, value in changes.items():
        *steps, last = path.split("__")
        place: Any = config
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        place[last] = value
    firm.config.write_text(json.dumps(config), encoding="utf-8")


EVIDENCE = {"contracts__0__billing": {"evidence": ["time_detail", "acceptance"]}}
MARKED = {
    "sources__plans__mark_billed": True,
    "sources__plans__mark_field": MARK,
    "sources__plans__fields": {"invoice": MARK},  # so that a mark changes what is read
}


def uploads(request: Request) -> bool:
    return request.path.endswith("/upload")


def puts(request: Request) -> bool:
    return request.method == "PUT"


def outcomes(summary: NightSummary) -> list[str]:
    return [one.outcome for one in summary.attached]


def files(firm: Vendors) -> dict[str, bytes]:
    [document] = firm.books.visible("invoice")
    return dict(document.files)


def test_a_key_store_that_locks_in_the_middle_stops_these_books_only(firm: Vendors, monkeypatch: Any) -> None:
    def locked(*_: Any, **__: Any) -> None:
        raise SecretError("the keyring is locked", where="books", hint="unlock it, then sync")

    with monkeypatch.context() as broken:
        broken.setattr(QuickBooks, "create", locked)
        summary = firm.night()
    assert [error.what for error in summary.troubles] == ["the keyring is locked"] and summary.exit_code >= 2
    assert summary.evaluation is not None and summary.evaluation.verdict != "balanced", "work on its way is not fine"
    assert firm.books.visible("invoice") == []
    firm.clock.advance(seconds=QuickBooks.settle)
    assert firm.night().exit_code == 0
    assert len(firm.books.visible("invoice")) == 1, "the next night asks, and bills once"


# Evidence


def test_time_detail_hangs_at_the_invoice_and_sums_to_its_line(firm: Vendors) -> None:
    said(firm, **EVIDENCE)
    summary = firm.night()
    assert summary.exit_code == 0, summary.troubles or summary.findings
    there = files(firm)
    [table] = [content for name, content in there.items() if name.endswith("time-detail.csv")]
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal("2400.00"), "20 h at 120.00"
    assert {row["hours"] for row in rows} == {"2"} and len(rows) == 10
    assert {row["person"] for row in rows} == {"Ana Roe", "Ben Ito"}
    assert [name for name in there if name.endswith("time-detail.txt")], "QuickBooks takes no HTML: the page is text"
    assert outcomes(summary) == ["attached"] * 2, "nothing was accepted, so there is no acceptance to show"


def test_it_is_attached_once_and_in_the_journal(firm: Vendors) -> None:
    said(firm, **EVIDENCE)
    firm.night()
    firm.clock.advance(days=1)
    summary = firm.night()
    assert len([request for request in firm.books.log if uploads(request)]) == 2, "the second night attached again"
    assert not summary.attached and summary.exit_code == 0 and not summary.changes, "evidence looks like an edit"
    with firm.open().ledger(read_only=True) as ledger:
        [reference] = [one.reference for one in ledger.intents("confirmed")]
        known = ledger.attachments.of(reference)
        assert ledger.verify().ok
    assert {one.name: one.size for one in known} == {name: len(content) for name, content in files(firm).items()}
    told = json.loads(firm.billsync("invoice", "show", reference, "--format", "json").stdout)["attachments"]
    assert [(file["name"], file["sha256"]) for file in told] == [(one.name, one.sha256) for one in known]
    assert sha256(files(firm)[told[0]["name"]]).hexdigest() == told[0]["sha256"]


def test_what_fails_is_a_finding_and_comes_the_next_night(firm: Vendors) -> None:
    said(firm, **EVIDENCE)
    firm.books.fail("error_before", when=uploads, times=99)
    summary = firm.night()
    assert summary.exit_code == 1 and any("evidence was not attached" in text for text in summary.findings)
    assert len(firm.books.visible("invoice")) == 1 and not files(firm)
    firm.books.forgive()
    firm.clock.advance(days=1)
    summary = firm.night()
    assert outcomes(summary) == ["attached"] * 2 and summary.exit_code == 0
    assert len(firm.books.visible("invoice")) == 1, "the document was sent again for its evidence"


def test_an_answer_that_was_lost_leaves_one_file(firm: Vendors) -> None:
    said(firm, **EVIDENCE)
    firm.books.fail("reset_after", when=uploads)
    firm.night()
    assert len(files(firm)) == 1, "the upload arrived, its answer did not"
    firm.clock.advance(days=1)
    assert sorted(outcomes(firm.night())) == ["attached", "found"], "what hangs there is asked for by name"
    assert len([request for request in firm.books.log if uploads(request)]) == 2


def test_a_document_from_before_gets_none(firm: Vendors) -> None:
    firm.night()
    firm.clock.advance(days=1)
    said(firm, **EVIDENCE)
    firm.asana.complete("M-Permit")
    firm.night()
    assert [len(document.files) for document in firm.books.visible("invoice")] == [0, 0]


def test_a_document_that_was_voided_meanwhile_gets_none(firm: Vendors) -> None:
    said(firm, **EVIDENCE)
    firm.books.fail("error_before", when=uploads, times=99)
    firm.night()
    firm.books.forgive()
    firm.clock.advance(days=1)
    firm.books.void(next(iter(firm.books.documents.values())))
    before = len(firm.books.log)
    assert not firm.night().attached
    assert not [request for request in firm.books.log[before:] if uploads(request)]


def test_a_dry_run_names_the_files_and_sends_none(firm: Vendors) -> None:
    said(firm, **EVIDENCE)
    summary = firm.night(dry_run=True)
    assert outcomes(summary) == ["would_attach"] * 2
    assert {one.name.partition("-time-")[2] for one in summary.attached} == {"detail.csv", "detail.txt"}
    assert not [request for request in firm.books.log if uploads(request)]


def test_evidence_in_books_that_take_none_is_told_before_a_poll(firm: Vendors, monkeypatch: Any) -> None:
    from billsync_plugins.sinks.quickbooks import QuickBooks

    monkeypatch.setattr(QuickBooks, "attaches", False)
    said(firm, **EVIDENCE)
    with pytest.raises(UsageError, match="take none") as caught:
        firm.open()
    assert caught.value.where.rpartition(":")[2].isdigit(), f"no line is named: {caught.value.where}"
    assert not firm.harvest.log and not firm.asana.log


# Marks


def test_what_is_billed_in_full_is_marked_once_and_is_no_edit(firm: Vendors) -> None:
    said(firm, **MARKED)
    summary = firm.night()
    assert (summary.exit_code, summary.marked) == (0, 2), summary.findings
    [document] = firm.books.visible("invoice")
    marked = {request.path.rpartition("/")[2]: request.json() for request in firm.asana.log if puts(request)}
    assert marked.keys() == {"M-Concept", "M-Design"}, "the open milestone is not billed"
    assert all(body["data"]["custom_fields"] == {MARK: document.number} for body in marked.values())
    for _ in range(2):
        firm.clock.advance(days=1)
        summary = firm.night(full=True)
        assert summary.exit_code == 0 and not summary.pushed, f"the mark reads like an edit: {summary.findings}"
        assert summary.marked == 0
    assert len([request for request in firm.asana.log if puts(request)]) == 2


def test_a_mark_that_fails_is_a_finding_and_comes_the_next_night(firm: Vendors) -> None:
    said(firm, **MARKED)
    firm.asana.fail("error_before", when=puts, times=99)
    summary = firm.night()
    assert summary.exit_code == 1 and any("not marked as billed" in text for text in summary.findings)
    firm.asana.forgive()
    firm.clock.advance(days=1)
    assert firm.night().marked == 2
    assert len(firm.books.visible("invoice")) == 1


def test_a_ledger_that_cannot_keep_a_mark_is_no_trouble_of_the_account(firm: Vendors, monkeypatch: Any) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise LedgerError("the disk is full")

    said(firm, **MARKED)
    monkeypatch.setattr(MarksKept, "add", full)
    with pytest.raises(LedgerError):
        firm.night()


def test_a_record_that_never_takes_a_mark_is_told_once_and_keeps_no_other_waiting(firm: Vendors) -> None:
    said(firm, **MARKED)
    firm.asana.tables["tasks"]["M-Concept"]["custom_fields"].pop()
    summary = firm.night()
    assert summary.marked == 1 and [text for text in summary.findings if "M-Concept was not marked" in text]
    firm.clock.advance(days=1)
    summary = firm.night()
    assert (summary.exit_code, summary.marked) == (0, 0), f"told again: {summary.findings}"


def test_what_was_mapped_bears_the_number_that_a_person_gave_and_what_was_excluded_no_mark(firm: Vendors) -> None:
    closed = str(firm.clock.now().date() + timedelta(days=9))
    said(firm, **MARKED, contracts__0__gates={"closed_through": closed})
    firm.night()
    decided: dict[DecisionKind, tuple[str, str]] = {"map": ("design", "INV-77"), "exclude": ("concept", "")}
    with firm.open().ledger() as ledger, ledger.transaction():
        for kind, (line, target) in decided.items():
            now = firm.clock.now()
            ledger.decide(kind, f"SITE/line/{line}", person="ana", reason="as agreed", at=now, target=target)
    firm.clock.advance(days=1)
    assert firm.night().marked == 1
    [put] = [request for request in firm.asana.log if puts(request)]
    assert put.path.endswith("M-Design") and put.json()["data"]["custom_fields"] == {MARK: "INV-77"}
    firm.clock.advance(days=1)
    summary = firm.night(full=True)
    assert summary.evaluation is not None and summary.marked == 0 and not summary.findings
    assert "drift" not in {one.code for one in summary.evaluation.findings}, "the mark reads like an edit"


def test_marks_begin_with_the_night_on_which_they_are_wanted(firm: Vendors) -> None:
    firm.night()
    firm.clock.advance(days=1)
    said(firm, **MARKED)
    assert firm.night().marked == 0
    firm.clock.advance(days=1)
    firm.asana.complete("M-Permit")
    assert firm.night().marked == 1
    assert next(request.path for request in firm.asana.log if puts(request)).endswith("M-Permit")


@pytest.mark.parametrize(
    ("source", "told"), [("plans", "nothing says where"), ("hours", "cannot mark records")], ids=["no field", "cannot"]
)
def test_marks_that_have_no_place_are_told_with_their_line_before_a_poll(firm: Vendors, source: str, told: str) -> None:
    said(firm, **{f"sources__{source}__mark_billed": True})
    with pytest.raises(UsageError, match=told) as caught:
        firm.open()
    assert caught.value.where.rpartition(":")[2].isdigit(), f"no line is named: {caught.value.where}"
    assert not firm.harvest.log and not firm.asana.log


# Messages


def mailed(server: FakeSmtp, **more: Any) -> dict[str, Any]:
    options = {"kind": "email", "host": "127.0.0.1", "port": server.port, "security": "none"}
    return {"notifications__team": {**options, "sender": "b@roe.example", "to": ["ana@roe.example"], **more}}


def text_of(server: FakeSmtp) -> str:
    body = server.mails[-1].letter.get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text.replace("\r\n", "\n")


def test_a_good_night_is_told_to_those_who_want_every_night(firm: Vendors) -> None:
    with FakeSmtp() as server:
        said(firm, **mailed(server, on=["always"]))
        assert firm.night().exit_code == 0
    first, *rest = text_of(server).splitlines()
    assert first.startswith("BALANCED:"), "the verdict is the first line"
    assert "USD 5,900.00" in "\n".join(rest) and "Acme" in "\n".join(rest), "what was billed, for whom"
    assert server.mails[0].letter["Subject"].startswith("billsync 2026-")


def test_a_good_night_is_not_told_to_others(firm: Vendors) -> None:
    with FakeSmtp() as server:
        said(firm, **mailed(server))
        firm.night()
        firm.night(dry_run=True)
    assert server.mails == []


def test_a_night_with_findings_says_what_waits_for_whom_and_how_much(firm: Vendors) -> None:
    with FakeSmtp() as server:
        said(firm, **mailed(server, on=["findings"]))
        firm.night()
        firm.clock.advance(days=1)
        first = next(iter(firm.harvest.tables["time_entries"]))
        firm.harvest.edit("time_entries", first, hours=Decimal("3.50"), rounded_hours=Decimal("3.50"))
        firm.night()
    [mail] = server.mails
    told = text_of(server)
    assert told.startswith("FINDINGS:") and mail.letter["Subject"].endswith("FINDINGS, Roe Architects")
    assert "project manager" in told and "USD 180.00" in told, f"whose move it is, and how much:\n{told}"
    html = mail.letter.get_body(("html",))
    assert html is not None and "USD 180.00" in html.get_content()


def test_an_account_that_was_not_read_is_named_first_and_no_secret_is(firm: Vendors) -> None:
    with FakeSmtp() as server:
        said(firm, **mailed(server, on=["failure"]))
        firm.harvest.fail("error_before", when=lambda request: "time_entries" in request.path, times=99)
        assert firm.night().exit_code == 3
    told = text_of(server)
    assert told.startswith("NOT KNOWN: hours"), told
    secrets = [*firm.environ.values(), *firm.books.secrets()]
    assert not [secret for secret in secrets if secret in server.mails[0].content.decode()]


def test_a_message_that_fails_is_a_finding_of_a_night_that_is_done(firm: Vendors) -> None:
    with FakeSmtp() as server:
        server.refuse = {"ana@roe.example"}
        said(firm, **mailed(server, on=["always"]))
        summary = firm.night()
    assert summary.exit_code == 1 and any("team was not told" in text for text in summary.findings)
    assert len(firm.books.visible("invoice")) == 1


def test_a_night_that_came_to_no_end_is_told(firm: Vendors) -> None:
    with FakeSmtp() as server:
        said(firm, **mailed(server, on=["failure"]))
        firm.open().config.ledger_path.write_bytes(b"this is no ledger" * 100)
        with pytest.raises(LedgerError):
            firm.night()
    assert text_of(server).startswith("STOPPED:")


def test_the_head_of_the_journal_is_mailed(firm: Vendors) -> None:
    with FakeSmtp() as server:
        said(firm, **mailed(server))
        firm.night()
        done = firm.billsync("audit", "anchor", "--mail", "team")
        assert done.returncode == 0, done.stderr
        heads = firm.folder / "heads.txt"
        heads.write_text(text_of(server), encoding="utf-8")
        checked = firm.billsync("audit", "verify", "--against", str(heads))
    assert checked.returncode == 0 and "It continues the head" in checked.stdout, checked.stdout + checked.stderr
    unknown = firm.billsync("audit", "anchor", "--mail", "nobody")
    assert unknown.returncode == 2 and "known: team" in unknown.stderr


def test_a_check_tries_those_who_are_told_and_sends_nothing(firm: Vendors) -> None:
    with FakeSmtp(users={"billing": "made-up"}) as server:
        mail = {
            "kind": "email",
            "host": "127.0.0.1",
            "port": server.port,
            "security": "none",
            "to": ["ana@roe.example"],
        }
        mail |= {"sender": "billsync@roe.example", "user": "billing", "password": "env:MAIL"}
        ends = firm.clock.now().date() + timedelta(days=9)
        firm.environ |= {"MAIL": "made-up", "OLD": "out of date", "CHANNEL": "http://127.0.0.1:9/nobody"}
        said(
            firm,
            notifications__office=mail | {"password_expires_on": str(ends)},
            notifications__left=mail | {"password": "env:OLD"},
            notifications__chat={"kind": "webhook", "url": "env:CHANNEL"},
        )
        found = {one.account.name: one for one in check(firm.open()).accounts if one.account.role == "notifier"}
    office, left, chat = found["office"], found["left"], found["chat"]
    assert office.identity is not None and (office.identity.account, office.identity.user) == ("127.0.0.1", "billing")
    assert office.remarks == (f"office: the password ends on {ends}",)
    assert left.trouble is not None and "does not accept user and password" in left.trouble.what
    assert chat.trouble is None and chat.remarks == ("cannot be tried without sending a message",)
    assert not server.mails and "MAIL" not in server.heard, "somebody was written to"
