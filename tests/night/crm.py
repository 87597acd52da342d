"""Firms whose contracts a source holds: the CRM, what is sold there, and the work in files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from billsync.sync import Firm, NightSummary, open_firm, run
from billsync.testing.clock import Clock
from billsync.testing.odoo_projects import FakeOdooProjects
from billsync.testing.salesforce import FakeSalesforce
from billsync.testing.tracker import FakeTracker
from tests.night.firms import entries

FIRM: dict[str, Any] = {
    "firm": {"name": "Roe Architects", "zone": "UTC", "currency": "USD"},
    "sinks": {"books": {"kind": "folder", "path": "invoices"}},
    "clients": [{"id": "acme", "name": "Acme", "accounts": {"crm": "Acme Inc"}}],
}
MILESTONES = "id,project,name,status,completed on\n"
CHANGES = {
    "object": "Change_Order__c",
    "columns": {"contract": "Contract__c", "name": "Name", "value": "Amount__c", "signed_on": "Signed_On__c"},
    "constants": {"currency": "USD"},
}


@dataclass(slots=True, kw_only=True)
class House:
    """A firm whose contracts are in a CRM: `crm` is the vendor."""

    folder: Path
    clock: Clock
    crm: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, **contract: Any) -> None:
        """The configuration with this one contract (none: no contract is written)."""
        contracts = [{"id": "SITE", "client": "acme", "project": "work/P-1", **contract}] if contract else []
        text = json.dumps({**self.config, "contracts": contracts}, default=str, indent=1)
        (self.folder / "billsync.yaml").write_text(text, encoding="utf-8")

    def done(self, *names: str) -> None:
        """These milestones are complete at the project's source; Permit is open unless named."""
        rows = [f"M-{name},P-1,{name},complete,2026-03-20" for name in names]
        rows += ["M-Permit,P-1,Permit,open,"] if "Permit" not in names else []
        (self.folder / "data" / "milestones.csv").write_text(MILESTONES + "\n".join(rows) + "\n", encoding="utf-8")

    def open(self) -> Firm:
        """The firm on the vendor's clock."""
        path = self.folder / "billsync.yaml"
        return open_firm(path, environ=self.environ, now=self.clock.now, sleep=self.clock.sleep)

    def night(self) -> NightSummary:
        """One night; the clock then stands a day later."""
        summary = run(self.open())
        self.clock.advance(days=1)
        return summary

    def invoices(self) -> list[str]:
        """Totals in the books, in the order in which they came."""
        files = sorted((self.folder / "invoices").glob("*.json"))
        return [json.loads(file.read_text(encoding="utf-8"))["total"] for file in files]


def house(folder: Path, crm: FakeTracker | None, clock: Clock, source: dict[str, Any]) -> House:
    (folder / "data").mkdir()
    (folder / "data" / "projects.csv").write_text("id,name\nP-1,Site\n", encoding="utf-8")
    made = House(folder=folder, clock=clock, crm=crm)
    files = {"kind": "files", "path": "data", "projects": "projects.csv"}
    options = entries(source, "crm", made.environ)
    made.config = {**FIRM, "sources": {"work": {**files, "milestones": "milestones.csv"}, "crm": options}}
    made.done()
    return made


def won(crm: FakeSalesforce, value: int = 110_000, **more: Any) -> str:
    row = {"Account": {"Name": "Acme Inc"}, "Amount": Decimal(value), "IsWon": True, "CloseDate": "2026-02-01"}
    return crm.add("Opportunity", Name="New site", **{**row, **more})


def ordered(crm: FakeOdooProjects, **lines: int) -> str:
    """A confirmed sales order of these lines."""
    order = crm.add(
        "sale.order", name="S00021", partner_id=[16, "Acme Inc"], currency_id=[1, "USD"], state="sale",
        amount_untaxed=Decimal(sum(lines.values())), date_order="2026-02-01 10:00:00",
    )  # fmt: skip
    for name, amount in lines.items():
        crm.add(
            "sale.order.line", order_id=[order, "S00021"], name=name, product_uom_qty=Decimal(1), discount=Decimal(0),
            price_unit=Decimal(amount), price_subtotal=Decimal(amount), currency_id=[1, "USD"],
        )  # fmt: skip
    return str(order)
