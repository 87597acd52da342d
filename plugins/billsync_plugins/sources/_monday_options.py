"""Options of a monday.com account: its boards, one for each kind of record."""

from billsync.sdk import Field, Options, Secret
from billsync_plugins.sources._mapped_rows import RowTable


class BoardTable(RowTable):
    """A board, and for time the column whose sessions are the entries."""

    board: str = Field(description="Id of the board: the number in its address.")
    sessions: str | None = Field(default=None, description="Id of the time-tracking column whose sessions are read.")


class MondayOptions(Options):
    """The boards of one account."""

    token: Secret = Field(description="Personal API token: your picture, Developers, My access tokens.")
    zone: str = Field(default="UTC", description="Zone in which dates of changes and sessions are told.")
    projects: BoardTable | None = Field(default=None, description="Board of projects.")
    milestones: BoardTable | None = Field(default=None, description="Board of milestones.")
    time: BoardTable | None = Field(default=None, description="Board of time entries.")
    expenses: BoardTable | None = Field(default=None, description="Board of expenses.")
    contracts: BoardTable | None = Field(default=None, description="Board of contracts.")
    change_orders: BoardTable | None = Field(default=None, description="Board of change orders.")
