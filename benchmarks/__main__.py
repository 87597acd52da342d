"""`python -m benchmarks [NAME ...]`: every benchmark of this folder, or those named; or one, with its options."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks

NOT_ONE = {
    "__main__", "children", "connectors_page", "edges", "firm", "mutation_operators", "mutation_run", "processes"
}  # fmt: skip
LONG = {"connectors", "crash_matrix", "credits", "losses", "mutation", "races"}
"""Take minutes to a quarter of an hour: only by name, and with options of their own."""


def main(names: list[str]) -> None:
    """Run the benchmarks one after the other."""
    names = [name.replace("-", "_") if name.replace("-", "_") in LONG else name for name in names]
    if names and names[0] in LONG:
        importlib.import_module(f"benchmarks.{names[0]}").main(names[1:])
        return
    known = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in NOT_ONE)
    for name in names or sorted(set(known) - LONG):
        if name not in known:
            sys.exit(f"there is no benchmark {name!r}; there are: {', '.join(known)}")
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
