"""The demonstration: a made-up firm in a folder, billed by the ordinary night.

The first time the firm is written, last night is run on a clock set back by a day, people edit their work in the
morning (one entry that is already billed, too), and tonight is run. Every further time only tonight is run: it bills
what is new, which is nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from billsync.demo import second_day, write_firm
from billsync.sync.firm import Firm, open_firm, utc_now
from billsync.sync.night import run
from billsync.sync.summary import NightSummary, Progress, Quiet

CONFIG = "billsync.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """What was run, and the firm as it stands. `last_night` is None when the folder was there already."""

    folder: Path
    last_night: NightSummary | None
    tonight: NightSummary
    firm: Firm


def demonstrate(
    folder: Path, *, now: Callable[[], datetime] = utc_now, progress: Progress | None = None
) -> Demonstration:
    """Write the firm if it is not there yet, and run its nights. Raises what the night raises."""
    progress = progress or Quiet()
    config = folder / CONFIG
    last_night = None
    if not config.exists():
        progress.say("making up a firm")
        write_firm(folder, today=now().date())
        last_night = run(open_firm(config, now=lambda: now() - timedelta(days=1)), progress=progress)
        second_day(folder)
    firm = open_firm(config, now=now)
    tonight = run(firm, progress=progress)
    return Demonstration(folder=folder, last_night=last_night, tonight=tonight, firm=firm)
