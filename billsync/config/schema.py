"""The whole configuration file as pydantic models: what may be written, and what it is called.

Contracts, rates, gates and accounts have a module each; the example file explains every key.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from billsync.config.accounts import NotifierEntry, SinkEntry, SourceEntry
from billsync.config.contracts import ContractEntry, OpeningEntry
from billsync.config.fields import AccountName, Currency, Day, Flag, Id, Positive, Section, Text, Texts, short
from billsync.config.gates import BillingEntry, GatesEntry
from billsync.config.rates import RateCardEntry
from billsync.config.yaml import YamlList, YamlMap


def with_ids(value: Any) -> Any:
    """`{acme: {name: Acme}}` is `[{id: acme, name: Acme}]`."""
    if not isinstance(value, YamlMap):
        return value
    listed = YamlList(value.origin)
    for key, member in value.items():
        entry = member.copied() if isinstance(member, YamlMap) else YamlMap(value.origins[key])
        if isinstance(member, str):
            entry.put("name", member, value.origins[key])
        entry.origin = value.origins[key]
        if "id" not in entry:
            entry.put("id", key, value.origins[key])
        listed.put(entry, value.origins[key])
    return listed


class FirmEntry(Section):
    """Whose books these are."""

    name: Text = Field(description="The firm's name, on reports and printed invoices.")
    zone: Text = Field(default="UTC", description="IANA zone of its nights and invoice dates: America/New_York.")
    currency: Currency = Field(default="USD", description="Where nothing else is said.")


class PluginsEntry(Section):
    """Plugins of others touch money: only those that are named here are loaded."""

    allow: Texts = Field(default=(), description="Names of installed packages.")


class ClientEntry(Section):
    """Who is billed."""

    id: Id = Field(description="Stable id.")
    name: Text = Field(description="Name on the invoice.")
    customers: dict[AccountName, Text] = Field(default_factory=dict, description="Sink -> its own customer id.")
    accounts: dict[AccountName, Texts] = Field(
        default_factory=dict, description="Source -> what the client is called in its contracts."
    )
    email: Text | None = Field(default=None, description="Where invoices are sent.")
    address: Texts = Field(default=(), description="Lines of the address.")
    tax_number: Text | None = Field(default=None, description="VAT or tax number.")
    requires_purchase_order: Flag = Field(default=False, description="Nothing leaves without a purchase order.")


class PersonEntry(Section):
    """Who works: one person may have an id at each source."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = ({"type": "string"},)

    name: Text | None = Field(default=None, description="Words for people.")
    accounts: dict[AccountName, Texts] = Field(default_factory=dict, description="Source -> the person's id there.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return {} if value is None else short(value, "name")


class ExchangeRateEntry(Section):
    """One unit of `currency` is `rate` units of `into`."""

    currency: Currency = Field(description="The currency of the expense.")
    into: Currency | None = Field(default=None, description="The contract's currency; the firm's unless given.")
    date: Day = Field(description="Day of the rate.")
    rate: Positive = Field(description="Units of `into` for one unit.")
    source: Text = Field(description="Who published it.")


class ExchangeRatesEntry(Section):
    """Stored exchange rates: in the file, or in a CSV file with the columns currency,into,date,rate,source."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "string"},
        {"type": "array", "items": {"$ref": "#/$defs/ExchangeRateEntry"}},
    )

    file: Text | None = Field(default=None, description="CSV with the columns currency,into,date,rate,source.")
    rates: tuple[ExchangeRateEntry, ...] = Field(default=(), description="Rates written here.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return short(value, "rates" if isinstance(value, list) else "file")


class ScheduleEntry(Section):
    """When the night runs: `billsync schedule` prints the line for cron or Task Scheduler."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = ({"type": "string"},)

    at: Annotated[Text, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = Field(
        default="02:00", description="Hour and minute in the firm's zone."
    )
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        default=(), description="Days; every day unless given."
    )

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return short(value, "at")


class ContractsFromEntry(Section):
    """Every contract of an account whose client is mapped is a contract of the firm."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = ({"type": "string"},)

    account: AccountName = Field(description="A source of `sources` that offers contracts.")
    projects: AccountName | None = Field(
        default=None, description="The source whose project a contract names; the same account unless given."
    )
    lines: Literal["manual", "milestone_name"] = Field(
        default="manual", description="What lines wait for that state no day and no milestone."
    )

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return short(value, "account")


class ConfigEntry(Section):
    """The file."""

    firm: FirmEntry = Field(description="Whose books these are.")
    ledger: Text = Field(default="billsync.db", description="The ledger's file.")
    state: Text = Field(default=".billsync", description="Folder of tokens, rate-limit budgets and locks.")
    plugins_dir: Text | None = Field(default=None, description="Folder of the firm's own connectors.")
    plugins: PluginsEntry = Field(default_factory=PluginsEntry, description="Plugins of others.")
    keyring_backend: Text | None = Field(default=None, description="The keyring's back end, as a Python name.")
    contracts_dir: Text | None = Field(default=None, description="Folder of contract files.")
    sources: dict[AccountName, SourceEntry] = Field(default_factory=dict, description="Where work is recorded.")
    sinks: dict[AccountName, SinkEntry] = Field(default_factory=dict, description="Where the books are kept.")
    clients: Annotated[
        tuple[ClientEntry, ...],
        BeforeValidator(with_ids, json_schema_input_type=list[ClientEntry] | dict[str, Any]),
    ] = Field(default=(), description="Who is billed.")
    people: dict[Id, PersonEntry] = Field(default_factory=dict, description="Who works.")
    rate_cards: dict[Id, RateCardEntry] = Field(default_factory=dict, description="Rates; `default` is the default.")
    contracts: Annotated[
        tuple[ContractEntry, ...],
        BeforeValidator(with_ids, json_schema_input_type=list[ContractEntry] | dict[str, Any]),
    ] = Field(default=(), description="What was agreed.")
    contracts_from: ContractsFromEntry | None = Field(
        default=None, description="Take every contract of this source whose client is mapped."
    )
    approvals: GatesEntry = Field(default_factory=GatesEntry, description="Gates of every contract.")
    billing: BillingEntry = Field(default_factory=BillingEntry, description="Billing of every contract.")
    opening: OpeningEntry | None = Field(default=None, description="Billed before billsync, for every contract.")
    owners: dict[Text, Text] = Field(default_factory=dict, description="Cause or finding -> whose move it is.")
    exchange_rates: ExchangeRatesEntry = Field(default_factory=ExchangeRatesEntry, description="Stored rates.")
    notifications: dict[AccountName, NotifierEntry] = Field(default_factory=dict, description="Who is told.")
    schedule: ScheduleEntry = Field(default_factory=ScheduleEntry, description="When the night runs.")
