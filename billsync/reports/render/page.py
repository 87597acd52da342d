"""Blocks as one HTML page: styles inside, no script, nothing fetched, made to be printed, attached and mailed.

Words come from records that strangers typed: jinja2 escapes every one of them, in its sandbox.
"""

from __future__ import annotations

from collections.abc import Iterable

from billsync.reports.blocks import Block, Table, text_of


def page(title: str, content: Iterable[Block]) -> str:
    """The page."""
    from jinja2 import PackageLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        loader=PackageLoader("billsync.reports.render"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["said"] = text_of
    blocks = [{"table": block if isinstance(block, Table) else None, "words": block} for block in content]
    return environment.get_template("page.html.j2").render(title=title, blocks=blocks)
