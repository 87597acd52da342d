"""billsync init: a commented billsync.yaml that loads as it stands, never over one that exists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from billsync.cli.app import single


def init(
    name: Annotated[str, typer.Option("--name", help="The firm's name.", metavar="NAME")] = "My firm",
    zone: Annotated[str, typer.Option("--zone", help="IANA zone of its nights.", metavar="ZONE")] = "UTC",
    currency: Annotated[str, typer.Option("--currency", help="Its currency.", metavar="CODE")] = "USD",
    directory: Annotated[Path, typer.Option("--dir", help="Folder of the file.", metavar="DIR")] = Path(),
) -> int:
    """Write a commented billsync.yaml for your firm.

    The file is checked before it is kept, and one that is there already is left alone.
    """
    from billsync.cli.say import say
    from billsync.model.errors import UsageError

    target = directory / "billsync.yaml"
    if target.exists():
        raise UsageError("the file is there already", where=str(target), hint="edit it, or choose another --dir")
    directory.mkdir(parents=True, exist_ok=True)
    _write(target, filled(name, zone, currency))
    say(f"wrote {target}")
    say("Edit its sources, sinks, clients and contracts; `billsync config check` tells whether it is good.")
    return 0


def filled(name: str, zone: str, currency: str) -> str:
    """The template with this firm's words, quoted as YAML wants them."""
    import json
    from importlib.resources import files
    from string import Template

    template = files("billsync.cli").joinpath("init.yaml").read_text(encoding="utf-8")
    quoted = {"name": name, "zone": zone, "currency": currency.upper()}
    return Template(template).substitute({key: json.dumps(value, ensure_ascii=False) for key, value in quoted.items()})


def _write(target: Path, text: str) -> None:
    """Keep the file only if it loads; appear whole, and never over another."""
    from billsync.config import load, resolve
    from billsync.model.errors import UsageError

    part = target.with_name(".billsync.yaml.part")
    part.write_text(text, encoding="utf-8")
    try:
        resolve(load(part))
        part.replace(target)
    except UsageError as error:
        raise UsageError(error.what, hint="see `billsync init --help`") from error
    finally:
        part.unlink(missing_ok=True)


app = single(
    init,
    examples_of=(
        "billsync init --name 'Lakeside Architects' --zone America/New_York",
        "billsync init --name Zed --zone Europe/Berlin --currency EUR --dir zed",
    ),
)
