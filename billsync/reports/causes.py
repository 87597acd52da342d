"""The causes and finding codes in words: what each is called, and what a person does next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Cause(NamedTuple):
    """`title` stands in tables; `next_step` is an imperative, empty where nobody has to do anything."""

    title: str
    next_step: str = ""


CAUSES: Final[Mapping[str, Cause]] = {
    # Work that waits
    "acceptance_missing": Cause("acceptance missing", "have the client accept it and record that at the source"),
    "document_missing": Cause("document missing", "attach the document the contract asks for, at the source"),
    "change_order_unsigned": Cause("change order not signed", "have it signed, then enter the date as `signed:`"),
    "contract_unsigned": Cause("contract not signed", "have it signed, then enter the date as `signed:`"),
    "no_contract_in_force": Cause("no contract in force that day", "check `starts:`, `ends:` and `signed:`"),
    "contract_differs": Cause("the contract differs from its source", "settle which is right, and correct the other"),
    "contract_gone": Cause("the contract is gone at its source", "restore it there, or write its terms here"),
    "contract_not_told": Cause("the source does not show the contract", "check `from:` and the source's rights"),
    "unmapped": Cause("no contract names it", "name its project or a line for it in a contract, or `review map` it"),
    "no_rate": Cause("no rate", "add a rate for the person and the day to the rate card"),
    "no_fx_rate": Cause("no exchange rate", "add the exchange rate of that day"),
    "not_billable": Cause("marked as not billable"),
    "unapproved": Cause("not approved yet", "approve it at the source"),
    "future": Cause("dated in the future"),
    "open_milestone": Cause("not finished yet"),
    "next_sync": Cause("the next sync bills it", "run `billsync sync`"),
    "waits_for_period": Cause("waits for its billing day"),
    "needs_approval": Cause("the draft needs an approval", "`billsync review approve DRAFT --reason ...`"),
    "preview": Cause("the sink is set to preview", "set `push: draft` when you trust what you see"),
    "hold": Cause("on hold", "`billsync review release ITEM --reason ...`"),
    "purchase_order_missing": Cause("no purchase order", "enter the client's number as `purchase_order:`"),
    "reference_missing": Cause("a reference is missing", "enter it under `references:` of the contract"),
    "period_closed": Cause("the books are closed for that date", "ask the accountant to open the period"),
    "receipt_missing": Cause("receipt missing", "attach the receipt at the source"),
    "amount_missing": Cause("no amount at the source", "enter the amount in the milestone's own field"),
    "customer_missing": Cause("no customer in the books", "enter its id under `customers:` of the client"),
    "over_contract_value": Cause("over the contract value", "agree a change order, or correct the schedule"),
    "lookalike": Cause("looks like other work", "`billsync review exclude` it, or `release` it to bill both"),
    "billed_at_source": Cause("marked as billed at the source", "`billsync review map`, or `release` to bill it"),
    "outlier": Cause("unusual amount", "look at it; `billsync explain` shows how it came about"),
    # Work that changed
    "deleted": Cause("deleted at the source", "`billsync review exclude`, or restore it at the source"),
    "vanished": Cause("vanished at the source after billing", "credit it, or keep it with a reason"),
    "drift": Cause("changed after billing", "`billsync review release` bills or credits the difference"),
    "moved": Cause("moved to another contract after billing", "credit it there: `billsync review credit`"),
    "reopened": Cause("re-opened after billing", "nothing to bill unless its value changes"),
    "negative_quantity": Cause("a correction at the source", "`billsync review correct ITEM --of OTHER`"),
    "progress_backwards": Cause("progress went backwards", "correct it at the source, or credit it"),
    "over_100_percent": Cause("above 100 percent", "correct the percent at the source"),
    # Limits
    "cap_warning": Cause("close to the cap", "agree more with the client before the cap is hit"),
    "cap_reached": Cause("above the cap", "agree more with the client, or write it off"),
    "withheld": Cause("holdback not yet released"),
    "written_off": Cause("written off"),
    "excluded": Cause("written off by a person"),
    # Documents
    "credited": Cause("credited", "`billsync review rebill`, or `exclude` to write it off"),
    "voided": Cause("voided in the books", "`billsync review let-go INVOICE` to bill it anew"),
    "deleted_in_books": Cause("deleted in the books", "`billsync review let-go INVOICE` to bill it anew"),
    "edited_in_books": Cause("edited in the books", "compare it: `billsync invoice show`"),
    "total_differs": Cause("the books' total differs", "compare it: `billsync invoice show`"),
    "phantom": Cause("an invoice without work behind it", "map work to it: `billsync review map --invoice`"),
    "refused": Cause("refused by the books", "mend what they name; the next sync tries again"),
    "unknown_outcome": Cause("sent, and no answer yet", "run `billsync sync`: it asks before it sends again"),
    "mapped": Cause("billed by hand"),
    "opening": Cause("billed before billsync"),
    # Accounts and people
    "stale_poll": Cause("not read lately", "run `billsync sync`"),
    "incomplete_poll": Cause("not read to the end", "run `billsync sync`; `billsync check` tests the account"),
    "unknown_account": Cause("an account nobody configured", "add it under `sources:`, or correct the name"),
    "bad_row": Cause("a row that cannot be read", "correct the row in the file"),
    "planned_date_passed": Cause("planned date passed", "finish it, or move the date"),
    "person_silent": Cause("logs no time", "ask whether hours are missing"),
    "client_not_billed": Cause("not billed for long", "ask whether work is missing"),
    "hours_on_closed_project": Cause("hours on a closed project", "move the hours, or re-open the project"),
}


def title_of(code: str) -> str:
    """The cause in words; a plugin's own code as it is spelt."""
    cause = CAUSES.get(code)
    return cause.title if cause else code.replace("_", " ")


def next_step(code: str) -> str:
    """What a person does about it; empty where nobody has to."""
    cause = CAUSES.get(code)
    return cause.next_step if cause else ""
