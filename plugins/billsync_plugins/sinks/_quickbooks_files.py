"""Files at QuickBooks documents: an upload in two parts, and the names of what hangs at a document."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from billsync.model.invoice import Receipt
from billsync.sdk.api import Json
from billsync.sdk.exact import exact_json
from billsync.sdk.parse import need
from billsync.sdk.row import Row
from billsync_plugins.sinks._quickbooks_company import Company, quoted

_META: Final = b'Content-Disposition: form-data; name="file_metadata_01"\r\nContent-Type: application/json\r\n\r\n'


def upload(receipt: Receipt, name: str, content: bytes, media_type: str) -> tuple[bytes, str]:
    """Body and media type: what the file is and where it hangs, then the file. It goes along when the document is
    mailed later."""
    boundary = sha256(content).hexdigest()[:32]
    file = f'Content-Disposition: form-data; name="file_content_01"; filename="{name}"\r\nContent-Type: {media_type}'
    parts = (_META + exact_json(attachable(receipt, name, media_type)), file.encode() + b"\r\n\r\n" + content)
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def attachable(receipt: Receipt, name: str, media_type: str) -> Json:
    """The file's own object in QuickBooks."""
    entity, number = receipt.id.split("/")
    at = {"EntityRef": {"type": entity, "value": number}, "IncludeOnSend": True}
    return {"AttachableRef": [at], "FileName": name, "ContentType": media_type}


def names(company: Company, receipt: Receipt) -> Iterator[str]:
    """Names of the files that hang at the document."""
    entity, number = receipt.id.split("/")
    of, ref = quoted(entity), "AttachableRef.EntityRef"
    for raw in company.select("Attachable", f"{ref}.Type = {of} and {ref}.value = {quoted(number)}"):
        yield Row(raw, "Attachable", "Id").text("FileName")


def kept(answer: Json) -> str:
    """The id of what was uploaded."""
    return str(need(answer, "AttachableResponse.0.Attachable.Id"))
