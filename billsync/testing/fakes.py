"""Which fake stands in for a kind of books: what `billsync torture --sink KIND` looks up.

built in    the module of this package that is named like the kind (quickbooks.py) holds one class that derives
            from FakeBooks
yours       your Sink says where its fake is: `fake = "my_package.testing:FakeMine"`, a class that derives from
            FakeBooks, takes `clock=` and answers `options()`; it need not be installed with the connector
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any

from billsync.model.errors import UsageError
from billsync.testing.books import FakeBooks


def fake_of(kind: str, sink: type[Any] | None = None) -> type[FakeBooks]:
    """The fake books of a kind. UsageError where there are none."""
    told = str(getattr(sink, "fake", ""))
    if told:
        module, _, name = told.partition(":")
        found = getattr(importlib.import_module(module), name, None)
    else:
        found = _built_in(kind)
    if found is None:
        raise UsageError(
            f"there are no fake books for the sink {kind!r}",
            where=told or f"billsync.testing.{kind}",
            hint='the sink\'s class may name them: fake = "package.module:Class" (docs/exactly-once.md)',
        )
    return found  # type: ignore[no-any-return]


def _built_in(kind: str) -> type[FakeBooks] | None:
    name = f"billsync.testing.{kind.replace('-', '_')}"
    if importlib.util.find_spec(name) is None:
        return None
    return next(_fakes(importlib.import_module(name)), None)


def _fakes(module: ModuleType) -> Any:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, FakeBooks) and value.__module__ == module.__name__:
            yield value
