"""What sources, sinks and notifiers have in common: one account at one vendor, its options and its session."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args, get_origin

from billsync.model.errors import UsageError
from billsync.sdk.api import Api, Http
from billsync.sdk.options import Options

O = TypeVar("O", bound=Options)  # noqa: E741  the options class of a connector
Quality = Literal["bronze", "silver", "gold"]


class Account(ABC, Generic[O]):
    """One account. `class Harvest(Source[HarvestOptions])` makes HarvestOptions its `options_class`."""

    kind: ClassVar[str]
    title: ClassVar[str]
    docs: ClassVar[str]
    api: ClassVar[Api | None] = None
    quality: ClassVar[Quality] = "bronze"
    options_class: ClassVar[type[Options]] = Options

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            origin, args = get_origin(base), get_args(base)
            if isinstance(origin, type) and issubclass(origin, Account) and args and isinstance(args[0], type):
                cls.options_class = args[0]

    def __init__(self, account: str, options: O, http: Http | None = None) -> None:
        self.account = account
        self.options: O = options
        self._http = http

    @property
    def http(self) -> Http:
        """The account's session; UsageError for a connector that declares no Api."""
        if self._http is None:
            raise UsageError(f"{self.kind} declares no api", where=self.account)
        return self._http
