"""The way in, for `python -m billsync` and for the installed command alike.

`--version` is answered before the command line is imported: scripts ask it often, and it must work even where
a dependency is broken.
"""

from __future__ import annotations

import sys

from billsync import __version__


def main() -> int | None:
    """Run the command line; the answer is the exit code for the shell (None means 0)."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"billsync {__version__}\n")
        return 0
    from billsync.cli import main as command_line

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
