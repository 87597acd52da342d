"""Salesforce: contracts, change orders, projects and work of any object by SOQL, Certinia PSA included. REST v62.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/. One of three ways in: client credentials of
an app with a run-as user, a signed assertion (JWT), or a person's refresh token. The token names the org's host.
- A field that the user may not see does not exist for the API: `describe` is asked first, and what is missing is named.
- Quota is 403 REQUEST_LIMIT_EXCEEDED, for up to a day: that poll ends as incomplete.
- Certinia: of time the split (`pse__Timecard__c`) is read, dated with its last day; rows on a billing event count as
  billed there; milestones that Certinia billed are left out: then one of ours that is gone was billed twice. A
  milestone that is approved is complete, approved for billing it is accepted: `requires: [acceptance]` waits for that.
- Formula fields change without `SystemModstamp`: the account's window is read in full each night.
- Deleted rows are absent. `check` counts the deleted ones (`queryAll`), so that rights lost can be told from deletion.
Unconfirmed: a query's cursor outlives a poll - shows as: a further page is refused, and the poll fails.
Unconfirmed: the fields of Certinia's expenses - shows as: the mapped column is gone, told by the first read.
Unconfirmed: `AND` binds a preset's condition to ours - shows as: a record is dated outside of what was asked.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from billsync.model.errors import UsageError
from billsync.model.work import Kind, Window
from billsync.sdk import Field, Identity, Offers, Secret, sources
from billsync.sdk.api import Api, OAuth2, OneOf, Throttle
from billsync.sdk.mapped import EVERY_KIND, TABLES, TableSource
from billsync.sdk.paging import NextLink
from billsync.sdk.parse import need
from billsync.sdk.row import Row, inside
from billsync_plugins.sources._salesforce_objects import ObjectColumns, ObjectOptions
from billsync_plugins.sources._salesforce_table import DATA, Table

_WAY: Final[dict[str, Any]] = {
    "token_url": "{token_url}", "client_auth": "body", "base_url_from": "instance_url",
}  # fmt: skip


class SalesforceOptions(ObjectOptions):
    """One org, the way in, and its objects."""

    token_url: str = Field(description="https://MYDOMAIN.my.salesforce.com/services/oauth2/token (Setup, My Domain).")
    client_id: str = Field(description="Consumer key of your app: Setup, External Client App Manager.")
    client_secret: Secret | None = Field(default=None, description="Consumer secret, beside the key.")
    private_key: Secret | None = Field(default=None, description="PEM key whose certificate the app has: JWT bearer.")
    username: str = Field(default="", description="With private_key: the user in whose name the app reads.")
    audience: str = Field(default="https://login.salesforce.com", description="With private_key; sandboxes: test.")
    refresh_token: Secret | None = Field(default=None, description="A person's, instead of client credentials.")
    zone: str = Field(default="UTC", description="Zone in which instants of the org become dates, e.g. Europe/Berlin.")


class Salesforce(TableSource[SalesforceOptions, ObjectColumns]):
    """The mapped objects of one org."""

    kind = "salesforce"
    title = "Salesforce (with Certinia PSA)"
    docs = "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/"
    api = Api(
        base_url="https://login.salesforce.com",
        auth=OneOf(
            {
                "private_key": OAuth2(
                    **_WAY,
                    grant="assertion",
                    client_secret=None,
                    assertion_key="private_key",
                    assertion_claims={"sub": "{username}", "aud": "{audience}"},
                ),
                "refresh_token": OAuth2(**_WAY),
                "client_secret": OAuth2(**_WAY, grant="client"),
            }
        ),
        pages=NextLink(at="nextRecordsUrl", last_at="done", total_at="totalSize"),
        throttles=(Throttle(status=403, body_has="REQUEST_LIMIT_EXCEEDED", wait=86_400, ends_poll=True),),
        message_at=("0.message", "error_description", "error"),
    )
    offers = Offers(kinds=EVERY_KIND, approval="native", changes="since", marks_billed=True, zone="caller")
    mark_option = "mark"
    quality = "silver"

    @classmethod
    def tables(cls, options: SalesforceOptions) -> Mapping[Kind, ObjectColumns]:
        """The firm's own mappings, then those of the presets."""
        return options.mapped()

    def check(self) -> Identity:
        """Reads the newest rows of each object, and tells how many records each rule of the mapping matches."""
        answer = self.http.get(f"{DATA}/query", {"q": "SELECT Id, Name FROM Organization"})
        org = Row(need(answer, "records.0"), "Organization", "Id")
        return Identity(account=f"{org.text('Name')} ({org.ident('Id')})", remarks=self.look())

    def records(self, kind: Kind, window: Window) -> Iterator[Any]:
        found = self._opened(kind).records(window)
        return inside(window, found) if kind in ("time", "expense") else found

    def look_at(self, kind: Kind) -> Iterator[str]:
        return self._opened(kind).look()

    def mark_billed(self, kind: Kind, ids: list[str], reference: str) -> None:
        """Our reference into the field that the mapping names; the same once more does no harm."""
        mapping = self.table(kind)
        if mapping.mark is None:
            raise UsageError(f"{TABLES[kind]}: no field takes the mark", where=self.account, hint="say mark: FIELD")
        for ident in ids:
            path = f"{DATA}/sobjects/{mapping.object}/{ident}"
            self.http.write("PATCH", path, {mapping.mark: reference}, keyed=True)

    def _opened(self, kind: Kind) -> Table:
        return Table(self.http, kind, self.table(kind), zone=self.options.zone, where=self.where(kind))


billsync_sources = sources(Salesforce)
