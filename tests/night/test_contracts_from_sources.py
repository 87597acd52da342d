"""Contracts that a source holds, through whole nights: Salesforce and Odoo over real HTTP, and a table of contracts.

The work is in files, the books are a folder; the terms are what the CRM says.
"""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from billsync.cli import main
from billsync.config.yaml import read
from billsync.ledger.certificate import DICTIONARY, MAGIC
from billsync.ledger.checkpoint import Signer
from billsync.model.statement import Evaluation
from billsync.sync import NightSummary
from billsync.sync.check import check
from billsync.testing.clock import Clock
from billsync.testing.odoo_projects import FakeOdooProjects
from billsync.testing.salesforce import FakeSalesforce
from billsync.testing.server import Request
from billsync_plugins.sources import _odoo_sales as sales
from billsync_plugins.sources import _odoo_work as work
from tests.night.crm import CHANGES, MILESTONES, House, house, ordered, won


@pytest.fixture
def salesforce(tmp_path: Path) -> Iterator[House]:
    clock = Clock()
    with FakeSalesforce(clock=clock) as crm:
        crm.describe("Opportunity", AccountId="reference", Amount="currency", IsWon="boolean", CloseDate="date")
        crm.describe("Change_Order__c", Contract__c="string", Amount__c="currency", Signed_On__c="date")
        options = crm.options(presets=["opportunities"], currency="USD", change_orders=CHANGES, kind="salesforce")
        yield house(tmp_path, crm, clock, options)


@pytest.fixture
def odoo(tmp_path: Path) -> Iterator[House]:
    clock = Clock()
    with FakeOdooProjects(clock=clock) as crm:
        for name, fields in {
            "project.project": f"{work.PROJECT} sale_order_id",
            "sale.order": f"{sales.ORDER} state",
            "sale.order.line": f"{sales.ORDER_LINE} display_type",
        }.items():
            crm.model(name, fields.split())
        yield house(
            tmp_path, crm, clock, {**crm.options(orders=True), "kind": "odoo", "kinds": ["project", "contract"]}
        )


def evaluated(summary: NightSummary) -> Evaluation:
    assert summary.evaluation is not None
    for row in summary.evaluation.statement:
        assert row.difference == 0, f"the statement does not balance: {row}"
    return summary.evaluation


def findings(summary: NightSummary) -> dict[str, list[str]]:
    """By code: of contracts and records; those of lines that wait say the same."""
    found: dict[str, list[str]] = {}
    for one in evaluated(summary).findings:
        if one.code == "change_order_unsigned" or "/line/" not in one.identity:
            found.setdefault(one.code, []).append(one.text)
    return found


def held(summary: NightSummary) -> dict[str, tuple[str, int]]:
    return {one.identity: (one.cause, one.amount) for one in evaluated(summary).items if one.bucket == "held"}


HALVES = [
    {"id": "design", "milestone": "Design", "percent": 40},
    {"id": "permit", "milestone": "Permit", "percent": 60},
]


def test_value_and_signature_of_the_crm_bill_the_written_schedule(salesforce: House) -> None:
    contract = won(salesforce.crm)
    salesforce.write(**{"from": f"crm/{contract}"}, schedule=HALVES)
    salesforce.done("Design")
    summary = salesforce.night()
    assert summary.exit_code == 0, f"{summary.troubles} {findings(summary)}"
    assert salesforce.invoices() == ["44000.00"], "40 % of the 110,000.00 that the CRM says"
    [item] = [one for one in evaluated(summary).items if one.identity == "SITE/line/design"]
    assert any(f"crm/contract/{contract}" in why for why in item.because), "the line names the record behind its terms"


def test_work_is_read_back_to_the_signature_that_the_crm_tells_in_the_same_night(salesforce: House) -> None:
    contract = won(salesforce.crm, CloseDate="2024-09-01")
    salesforce.config["sources"]["work"]["time"] = "time.csv"
    rows = "id,project,person,date,hours,approval\n1,P-1,ana,2024-08-31,1,approved\n2,P-1,ana,2024-09-01,3,approved\n"
    (salesforce.folder / "data" / "time.csv").write_text(rows, encoding="utf-8")
    salesforce.write(**{"from": f"crm/{contract}"}, schedule=HALVES, time={"rates": {"default": 100}})
    salesforce.night()
    assert salesforce.invoices() == ["300.00"], "work older than 400 days, since the signature and not before it"


def test_nothing_is_billed_before_the_crm_says_that_it_is_signed(salesforce: House) -> None:
    contract = won(salesforce.crm, CloseDate=None)
    salesforce.write(**{"from": f"crm/{contract}"}, schedule=HALVES)
    salesforce.done("Design")
    summary = salesforce.night()
    assert salesforce.invoices() == []
    assert "contract_unsigned" in {one.code for one in evaluated(summary).findings}
    salesforce.crm.edit("Opportunity", contract, CloseDate="2026-03-30")
    assert salesforce.night().exit_code == 0
    assert salesforce.invoices() == ["44000.00"]


def test_a_change_order_is_billed_once_it_is_signed(salesforce: House) -> None:
    contract = won(salesforce.crm)
    order = salesforce.crm.add("Change_Order__c", Contract__c=contract, Name="Garage", Amount__c=Decimal(12_000))
    terms = {"account": "crm", "contract": contract, "lines": "milestone_name"}
    salesforce.write(**{"from": terms}, schedule=HALVES)
    salesforce.done("Garage")
    summary = salesforce.night()
    assert salesforce.invoices() == [], "nobody signed it"
    [text] = findings(summary)["change_order_unsigned"]
    assert "Garage" in text, text
    [finding] = [one for one in evaluated(summary).findings if one.code == "change_order_unsigned"]
    assert (finding.amount, finding.owner) == (1_200_000, "contract owner")
    salesforce.crm.edit("Change_Order__c", order, Signed_On__c="2026-03-31")
    summary = salesforce.night()
    assert summary.exit_code == 0, f"{summary.troubles} {findings(summary)}"
    assert salesforce.invoices() == ["12000.00"]
    assert salesforce.night().pushed == [], "and never again"


def test_an_edit_after_billing_is_drift_and_the_invoice_stays_explained(salesforce: House) -> None:
    contract = won(salesforce.crm)
    salesforce.write(**{"from": f"crm/{contract}"}, schedule=HALVES)
    salesforce.done("Design")
    first = salesforce.night()
    salesforce.crm.edit("Opportunity", contract, Amount=Decimal(120_000))
    second = salesforce.night()
    assert salesforce.invoices() == ["44000.00"]
    assert held(second) == {"SITE/line/design": ("drift", 400_000)}, "40 % of 120,000.00, less what was billed"
    firm = salesforce.open()
    with firm.ledger(read_only=True) as ledger:
        assert ledger.verify().ok, ledger.verify().problems
        then = ledger.facts(firm.terms, now=first.finished, today=first.night, as_of=first.finished)
        now = ledger.facts(firm.terms, now=second.finished, today=second.night)
    assert (then.contracts["SITE"].value, now.contracts["SITE"].value) == (11_000_000, 12_000_000)
    [billed] = [one for one in now.postings if one.fact.kind == "billed"]
    assert billed.fact.fingerprint == then.contracts["SITE"].fingerprint(), "pinned to the terms of that night"
    kept = then.contracts["SITE"].told
    assert kept is not None, "the terms that were kept say what they rest on"
    versions = {one.version for one in kept.versions}
    assert versions < {one.version for one in billed.fact.evidence}, "and to the version of the CRM's record"


def test_written_terms_win_and_the_contradiction_holds_what_depends_on_it(salesforce: House) -> None:
    contract = won(salesforce.crm, 120_000)
    salesforce.write(**{"from": f"crm/{contract}"}, value=110_000, schedule=HALVES)
    salesforce.done("Design")
    summary = salesforce.night()
    assert salesforce.invoices() == []
    assert held(summary) == {"SITE/line/design": ("contract_differs", 4_400_000)}
    [text] = findings(summary)["contract_differs"]
    assert "110,000.00" in text and "120,000.00" in text, text
    written = read(salesforce.folder / "billsync.yaml")["contracts"][0]
    assert f"billsync.yaml:{written.origins['value'].line}" in text, text
    salesforce.crm.edit("Opportunity", contract, Amount=Decimal(110_000))
    assert salesforce.night().exit_code == 0
    assert salesforce.invoices() == ["44000.00"]


def test_the_same_change_order_here_and_there_is_one(salesforce: House) -> None:
    contract = won(salesforce.crm)
    order = salesforce.crm.add(
        "Change_Order__c", Contract__c=contract, Name="Garage", Amount__c=Decimal(12_500), Signed_On__c="2026-03-01"
    )
    line = {"id": "garage", "milestone": "Garage", "amount": 12_000}
    change = {"id": order, "name": "Garage", "value": 12_000, "signed": "2026-03-01", "schedule": [line]}
    salesforce.write(**{"from": f"crm/{contract}"}, schedule=HALVES, change_orders=[change])
    salesforce.done("Garage")
    summary = salesforce.night()
    assert held(summary) == {"SITE/line/garage": ("contract_differs", 1_200_000)}, "worth what is written, and held"
    [text] = findings(summary)["contract_differs"]
    assert "12,000.00 as written" in text and "12,500.00 at crm/change_order" in text, text


def test_a_poll_of_contracts_that_failed_bills_nothing_on_half_terms(salesforce: House) -> None:
    contract = won(salesforce.crm)
    salesforce.write(**{"from": f"crm/{contract}"}, schedule=HALVES)
    salesforce.night()

    def changes(request: Request) -> bool:
        return salesforce.crm.asked_for(request) == "Change_Order__c"

    salesforce.done("Design")
    salesforce.crm.fail("error_before", when=changes, times=99)
    summary = salesforce.night()
    assert summary.exit_code == 3
    assert {(one.account, one.kind) for one in evaluated(summary).unknown} == {("crm", "change_order")}
    assert held(summary) == {"SITE/line/design": ("incomplete_poll", 4_400_000)}
    assert salesforce.invoices() == []
    salesforce.crm.forgive()
    assert salesforce.night().exit_code == 0
    assert salesforce.invoices() == ["44000.00"]


def test_a_contract_that_is_gone_at_its_source_holds_new_work(salesforce: House) -> None:
    contract = won(salesforce.crm)
    salesforce.write(**{"from": f"crm/{contract}"}, schedule=HALVES)
    salesforce.done("Design")
    salesforce.night()
    salesforce.crm.delete("Opportunity", contract)
    salesforce.done("Design", "Permit")
    summary = salesforce.night()
    assert salesforce.invoices() == ["44000.00"], "what was billed stands"
    assert held(summary) == {"SITE/line/permit": ("contract_gone", 6_600_000)}, "by its terms as last seen"
    assert "contract_gone" in findings(summary)


def test_a_contract_that_the_source_never_showed_bills_nothing(salesforce: House) -> None:
    won(salesforce.crm)
    salesforce.write(**{"from": "crm/006XX"}, value=110_000, signed="2026-02-01", schedule=HALVES)
    salesforce.done("Design")
    summary = salesforce.night()
    assert salesforce.invoices() == []
    assert held(summary) == {"SITE/line/design": ("contract_not_told", 4_400_000)}


def test_a_sales_order_is_billed_by_its_own_lines(odoo: House) -> None:
    order = ordered(odoo.crm, Design=44_000, Permit=66_000)
    odoo.write(**{"from": {"account": "crm", "contract": order, "lines": "milestone_name"}})
    odoo.done("Design")
    summary = odoo.night()
    assert summary.exit_code == 0, f"{summary.troubles} {findings(summary)}"
    assert odoo.invoices() == ["44000.00"]
    odoo.done("Design", "Permit")
    odoo.night()
    assert odoo.invoices() == ["44000.00", "66000.00"]


def test_lines_that_wait_for_nothing_wait_for_a_person(odoo: House) -> None:
    order = ordered(odoo.crm, Design=44_000)
    odoo.write(**{"from": f"crm/{order}"})
    odoo.done("Design")
    summary = odoo.night()
    assert odoo.invoices() == [], "nobody said that the line means the milestone of its name"
    [line] = [one for one in evaluated(summary).not_earned if one.identity.startswith("SITE/line/")]
    assert (line.name, line.amount) == ("Design", 4_400_000)


def test_lines_that_do_not_sum_to_the_value_are_held(odoo: House) -> None:
    order = ordered(odoo.crm, Design=44_000, Permit=66_000)
    odoo.crm.edit("sale.order", order, amount_untaxed=Decimal(100_000))
    odoo.write(**{"from": {"account": "crm", "contract": order, "lines": "milestone_name"}})
    odoo.done("Design")
    summary = odoo.night()
    assert [cause for cause, _ in held(summary).values()] == ["contract_differs"]
    [text] = findings(summary)["contract_differs"]
    assert "110,000.00" in text and "100,000.00" in text, text


def test_a_firm_may_take_all_contracts_of_mapped_clients(odoo: House) -> None:
    order = ordered(odoo.crm, Design=44_000)
    strange = odoo.crm.add(
        "sale.order", name="S00022", partner_id=[17, "Stranger"], currency_id=[1, "USD"], state="sale",
        amount_untaxed=Decimal(9_000), date_order="2026-02-01 10:00:00",
    )  # fmt: skip
    odoo.crm.add("project.project", name="Site", sale_order_id=[int(order), "S00021"])
    odoo.config["contracts_from"] = {"account": "crm", "projects": "work", "lines": "milestone_name"}
    odoo.write()
    project = next(row["id"] for row in odoo.crm.tables["project.project"].values())
    rows = f"M-1,{project},Design,complete,2026-03-20\n"
    (odoo.folder / "data" / "milestones.csv").write_text(MILESTONES + rows, encoding="utf-8")
    summary = odoo.night()
    assert odoo.invoices() == ["44000.00"], f"{summary.troubles} {findings(summary)}"
    assert [one.contract for one in evaluated(summary).items] == [f"crm:{order}"]
    [text] = findings(summary)["unmapped"]
    assert "Stranger" in text and str(strange) in text, text


def test_a_table_of_contracts_is_a_source_too(tmp_path: Path) -> None:
    source = {"kind": "files", "path": "data", "contracts": {"file": "contracts.csv", "mode": "full"}}
    firm = house(tmp_path, None, Clock(), source)
    table = firm.folder / "data" / "contracts.csv"
    table.write_text("id,client,value,currency,signed\n800,Acme Inc,110000,USD,2026-02-01\n", encoding="utf-8")
    firm.write(**{"from": "crm/800"}, schedule=HALVES)
    firm.done("Design")
    assert firm.night().exit_code == 0
    assert firm.invoices() == ["44000.00"]
    table.write_text("id,client,value,currency,signed\n800,Other Inc,110000,USD,2026-02-01\n", encoding="utf-8")
    firm.done("Design", "Permit")
    summary = firm.night()
    assert held(summary) == {"SITE/line/permit": ("contract_differs", 6_600_000)}, "another client's contract"


def test_no_evaluation_differs_between_nights_without_a_changed_record(salesforce: House) -> None:
    contract = won(salesforce.crm, 120_000)
    salesforce.write(**{"from": f"crm/{contract}"}, value=110_000, schedule=HALVES)
    salesforce.done("Design")
    salesforce.night()
    firm = salesforce.open()
    with ExitStack() as stack:
        ledger = stack.enter_context(firm.ledger(read_only=True))
        rows = sum(row.event == "terms" for row in ledger.journal_rows())
        merged = ledger.with_told(firm.terms)
        assert ledger.with_told(merged) == merged, "merged twice is merged once"
    for _ in range(2):
        salesforce.clock.advance(timedelta(hours=1).total_seconds())
        salesforce.night()
    with firm.ledger(read_only=True) as ledger:
        assert sum(row.event == "terms" for row in ledger.journal_rows()) == rows, "terms are told once"


def test_check_shows_what_the_source_tells_and_since_when(salesforce: House) -> None:
    contract = won(salesforce.crm, 120_000)
    salesforce.write(**{"from": f"crm/{contract}"}, value=110_000, schedule=HALVES)
    salesforce.done("Design")
    salesforce.night()
    found = check(salesforce.open())
    [row] = found.told
    assert (row.contract, str(row.source)) == ("SITE", f"crm/contract/{contract}")
    assert (row.amount, str(row.signed_on)) == ("USD 120000", "2026-02-01")
    assert row.since is not None, "the ledger knows it since that night"
    assert found.exit_code == 1 and "110,000.00" in row.wrong[0], row.wrong
    salesforce.crm.edit("Opportunity", contract, Amount=Decimal(110_000))
    found = check(salesforce.open())
    assert (found.exit_code, found.told[0].since, found.told[0].wrong) == (0, None, ()), "another version, and no night"


@pytest.fixture
def table(tmp_path: Path) -> House:
    """A firm on the system's clock with a table of contracts, and Design done."""
    source = {"kind": "files", "path": "data", "contracts": {"file": "contracts.csv", "mode": "full"}}
    firm = house(tmp_path, None, Clock(), source)
    rows = "id,client,value,currency,signed\n800,Acme Inc,110000,USD,2026-02-01\n"
    (firm.folder / "data" / "contracts.csv").write_text(rows, encoding="utf-8")
    firm.write(**{"from": "crm/800"}, schedule=HALVES)
    firm.done("Design")
    return firm


def said(capsys: pytest.CaptureFixture[str], firm: House, *words: str, code: int = 0) -> str:
    """What a command answers."""
    assert main([*words, "--config", str(firm.folder / "billsync.yaml")]) == code, capsys.readouterr()
    return capsys.readouterr().out


def test_the_commands_see_the_terms_that_were_told(table: House, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, table, "sync")
    assert "crm/contract/800" in said(capsys, table, "explain", "SITE/line/design")
    row = {"id": "permit", "milestone": "Permit", "percent": 40}
    third = {"id": "rest", "milestone": "Rest", "percent": 20}
    other = {"id": "SITE", "client": "acme", "project": "work/P-1", "from": "crm/800"}
    config = {**table.config, "contracts": [{**other, "schedule": [HALVES[0], row, third]}]}
    (table.folder / "other.yaml").write_text(json.dumps(config), encoding="utf-8")
    told = json.loads(said(capsys, table, "config", "diff", str(table.folder / "other.yaml"), "--format", "json"))
    assert ("lines.permit.percent", "60", "40") in {(one["term"], one["before"], one["after"]) for one in told["terms"]}
    effect = {one["identity"]: (one["before"], one["after"]) for one in told["effect"]}
    assert effect["SITE/line/permit"] == ("66000.00", "44000.00"), "parts of the value that the table tells"
    (table.folder / "renewal").mkdir()
    halved = {**other, "schedule": [{**HALVES[0], "percent": 20}, {**HALVES[1], "percent": 80}]}
    (table.folder / "renewal" / "site.yaml").write_text(json.dumps(halved), encoding="utf-8")
    words = ("what-if", "--contracts", str(table.folder / "renewal"), "--since", "2026-01-01", "--each")
    [row] = list(csv.DictReader(io.StringIO(said(capsys, table, *words, "--format", "csv"))))
    assert row["identity"] == "SITE/line/design" and {"44000.00", "22000.00"} <= set(row.values()), row


def test_a_proof_holds_the_version_of_the_contract(table: House) -> None:
    summary = table.night()
    [pushed] = summary.pushed
    firm = table.open()
    with firm.ledger(read_only=True) as ledger:
        [intent] = ledger.intents("confirmed")
        signer = Signer(ledger.id, bytes(32))
        proof = ledger.prove(intent.reference, signer, table.clock.now())
    assert pushed.reference == intent.reference
    packed = zlib.decompressobj(zdict=DICTIONARY).decompress(proof.removeprefix(MAGIC))
    assert b'"client":"Acme Inc"' in packed, "the record of the contract is part of the proof"
