"""The orchestrator of the night: poll, rate, gate, push, read back; one run at a time."""

from billsync.sync.firm import Firm, open_firm
from billsync.sync.night import run
from billsync.sync.summary import NightSummary, Progress, Pushed, Quiet

__all__ = ["Firm", "NightSummary", "Progress", "Pushed", "Quiet", "open_firm", "run"]
