"""Files at Xero documents, by name. An invoice shows them online, to the client too; a credit note does not."""

from typing import Final

from billsync.model.invoice import Receipt
from billsync.sdk.api import Http
from billsync.sdk.parse import need, step
from billsync.sdk.row import Row

BOOKS: Final = "/api.xro/2.0"
SCOPES: Final = (
    "accounting.invoices",
    "accounting.contacts.read",
    "accounting.settings.read",
    "accounting.attachments",
)


def attach(http: Http, receipt: Receipt, name: str, content: bytes, media_type: str) -> None:
    """The same name once more replaces the file."""
    params = {"IncludeOnline": True} if receipt.kind == "invoice" else None
    path = f"{BOOKS}/{receipt.id}/Attachments/{step(name)}"
    answer = http.write("PUT", path, params=params, content=content, headers={"Content-Type": media_type})
    need(answer.json(), "Attachments.0.AttachmentID")


def names(http: Http, receipt: Receipt) -> list[str]:
    """Names of the files that hang at the document."""
    found = need(http.get(f"{BOOKS}/{receipt.id}/Attachments"), "Attachments")
    return [row.text("FileName") for row in Row.each(found, "attachment", "AttachmentID")]
