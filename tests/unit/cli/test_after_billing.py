"""After billing, as a coordinator does it: credits in cents, what cannot be credited, what cannot be let go."""

from __future__ import annotations

import json
import shlex

from tests.conftest import ROOT

T1 = "time/work/T-1"
SAID = ("--person", "mia", "--reason", "agreed with the client")


def refused(firm, code: int, *words: str) -> list[str]:
    """The three lines of an error."""
    run = firm.run(*words)
    assert run.returncode == code, f"{words}: {run.returncode}\n{run.stdout}\n{run.stderr}"
    told = run.stderr.strip().splitlines()
    assert len(told) == 3, told
    return told


def test_a_part_is_credited_in_cents_as_the_documentation_shows_it_on_a_memo_that_names_its_invoice(firm):
    page = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    block = page.split("```console\n")[1].split("```")[0]
    steps = [step.split("\n", 1) for step in block.split("$ billsync ")[1:]]
    assert len(steps) == 2
    for typed, answer in steps:
        run = firm.run(*shlex.split(typed), BILLSYNC_PERSON="mia")
        assert run.stdout + run.stderr == answer, f"docs/contracts.md: $ billsync {typed}"
    told = refused(firm, 2, "review", "credit", T1, "--amount", "440.10", *SAID)
    assert "was asked for before, and waits for the next sync" in told[0] and "mia" in told[1]
    firm.expect(1, "sync")
    shown = " ".join(firm.expect(0, "invoice", "show", "2026-0002").split())
    for words in ("Credit memo 2026-0002", "gives back of 2026-0001", "USD -440.10", "credited: mia, agreed"):
        assert words in shown, f"{words!r} is not in {shown}"
    assert {row["bucket"]: row["amount"] for row in firm.item(T1)} == {
        "billed": "1440.00", "credited": "440.10", "held": "440.10",
    }  # fmt: skip


def test_what_was_never_billed_cannot_be_credited(firm):
    told = refused(firm, 2, "review", "credit", "ACME-2026-01/line/permit", *SAID)
    assert told[0].startswith("nothing of ACME-2026-01/line/permit can be credited: it is not billed")


def test_more_than_an_invoice_cannot_be_credited(firm):
    told = refused(firm, 2, "review", "credit", "2026-0001", "--amount", "60000", *SAID)
    assert told[0] == "USD 60,000.00 is more than what can be credited of 2026-0001: USD 54,500.00"


def test_a_voided_invoice_with_a_credit_on_it_is_let_go_after_the_credit(firm):
    firm.expect(0, "review", "credit", T1, "--amount", "440.10", *SAID)
    firm.expect(1, "sync")
    told = refused(firm, 2, "review", "let-go", "2026-0001", *SAID)
    assert told[0].startswith("2026-0001 is draft in the books")
    void(firm, "2026-0001")
    told = refused(firm, 2, "review", "let-go", "2026-0001", *SAID)
    assert told[0] == "2026-0001 cannot be let go: a credit stands on it (2026-0002)"
    assert "void 2026-0002 in the books" in told[2]
    void(firm, "2026-0002")
    for number in ("2026-0002", "2026-0001"):
        firm.expect(0, "review", "let-go", number, *SAID)
    firm.expect(1, "sync")
    billed = [row for row in firm.item(T1) if row["bucket"] == "billed"]
    assert [row["amount"] for row in billed] == ["1440.00"], "billed once more, whole"


def test_what_nobody_can_decide_is_a_wrong_request_and_no_fault_of_the_ledger(firm):
    wrong = [
        ["let-go", "2026-0099"],
        ["approve", "nothing"],
        ["map", T1, "--contract", "NONE"],
        ["credit", "nothing"],
        ["bill", "ACME-2026-01"],
        ["correct", T1, "--of", "nothing"],
    ]
    codes = {" ".join(words): firm.run("review", *words, *SAID).returncode for words in wrong}
    assert codes == dict.fromkeys(codes, 2)
    assert firm.run("audit", "prove", "2026-0099").returncode == 2
    assert firm.run("ledger", "restore", "none.db").returncode == 2


def test_a_ledger_that_was_lost_and_learnt_again_bills_no_credited_cent_again(firm):
    firm.expect(0, "review", "credit", T1, "--amount", "440.10", *SAID)
    for _ in range(2):  # the credit, and then what it gives room to under the cap
        firm.expect(1, "sync")
    before = firm.item(T1)
    for path in firm.folder.glob("billsync.db*"):
        path.unlink()
    said = firm.expect(0, "ledger", "relearn", "books", "--person", "mia")
    assert "learned from books: 3 documents" in said and "say them again before `billsync sync`" in said
    firm.expect(1, "sync")
    assert [(row["bucket"], row["amount"], row["cause"]) for row in firm.item(T1)] == [
        (row["bucket"], row["amount"], row["cause"]) for row in before
    ]
    assert len(list((firm.folder / "invoices").glob("2026-*.json"))) == 3, "something was billed again"


def void(firm, number: str) -> None:
    path = firm.folder / "invoices" / f"{number}.json"
    document = json.loads(path.read_text(encoding="utf-8"), parse_float=str)
    path.write_text(json.dumps(document | {"status": "voided"}), encoding="utf-8")
    firm.expect(1, "sync")
