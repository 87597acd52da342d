"""The orchestrator of the night: poll, rate, gate, push, read back; one run at a time."""

from billsync.sync.check import Checked, check
from billsync.sync.firm import Firm, open_firm
from billsync.sync.night import run
from billsync.sync.summary import NightSummary, Progress, Pushed, Quiet

__all__ = ["Checked", "Firm", "NightSummary", "Progress", "Pushed", "Quiet", "check", "open_firm", "run"]
