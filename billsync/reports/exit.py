"""What a statement means for cron, as an exit code: the worst wins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from billsync.model.statement import Item, Verdict

ALL_BILLED: Final = 0
FINDINGS: Final = 1
SOURCE_INCOMPLETE: Final = 3
SINK_UNSURE: Final = 4
_OF_VERDICT: Final = {"balanced": ALL_BILLED, "findings": FINDINGS, "unknown": SOURCE_INCOMPLETE}
_SINK_CAUSES: Final = frozenset({"refused", "unknown_outcome"})


def exit_code(verdict: Verdict, items: Iterable[Item]) -> int:
    """0 all billed or nothing to do · 1 findings or held work · 3 an account not known · 4 a sink refused, or its
    answer is not known."""
    codes = [_OF_VERDICT[verdict]]
    if any(item.cause in _SINK_CAUSES for item in items):
        codes.append(SINK_UNSURE)
    return max(codes)
