"""billsync plugins: which sources, sinks and notifiers there are, and from whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from billsync.cli.app import ConfigFile, TableFormat, group

if TYPE_CHECKING:
    from billsync.plugins import Plugins

app = group(
    "Which sources, sinks and notifiers there are.",
    examples_of=("billsync plugins list", "billsync plugins list --format json"),
)

COLUMNS = ("kind", "role", "title", "quality", "distribution", "version")


@app.callback()
def plugins() -> None:
    """Which sources, sinks and notifiers there are.

    Quality is earned by tests: bronze reads the vendor's published examples, silver passes the whole contract kit,
    gold was tried against a live account or an independent implementation.
    """


@app.command("list")
def list_plugins(format: TableFormat = "text", config: ConfigFile = None) -> int:
    """List every plugin and who made it.

    Built in, installed, or in the firm's own folder; also those that are found but not allowed.
    """
    from billsync.cli.say import table
    from billsync.reports.blocks import Block, Table, column, whole

    listed = _plugins(config).listing()
    rows = [{name: getattr(one, name) for name in COLUMNS} for one in listed]

    def blocks() -> list[Block]:
        columns = (whole("Kind"), whole("Role"), column("Title"), whole("Quality"), column("From"), whole("Version"))
        # A plugin in a folder has a hash for a version.
        cells = tuple((*(row[name] for name in COLUMNS[:-1]), row["version"][:12]) for row in rows)
        return [Table(columns=columns, rows=cells)]

    table(format, names=COLUMNS, rows=rows, blocks=blocks)
    return 0


def _plugins(config: Path | None) -> Plugins:
    """With the firm's own plugins where there is a firm; only those that come along where there is none yet."""
    import os

    from billsync.config import load
    from billsync.config.paths import VARIABLE, find
    from billsync.model.errors import UsageError
    from billsync.plugins import Plugins

    try:
        find(config, os.environ)
    except UsageError:
        if config is not None or os.environ.get(VARIABLE):
            raise
        return Plugins()
    firm = load(config)
    return Plugins(allow=sorted(firm.plugins_allow), folder=firm.plugins_dir)
