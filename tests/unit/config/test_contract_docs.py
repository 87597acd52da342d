"""The page about contracts: each example loads, every term is there, every link leads somewhere."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from billsync.config import contracts, gates, rates, resolve
from billsync.config.fields import Section
from tests.conftest import ROOT
from tests.unit.config.firm import CARD, FIRM, config, terms

PAGE = ROOT / "docs" / "contracts.md"
PEOPLE = "people: {ana: Ana Roe, ben: Ben Ito, eva: Eva Lund}\n"
CONTRACT = "contracts:\n  - id: C\n    client: acme\n"


def blocks() -> Iterator[tuple[int, str, str]]:
    """Line, what stands behind `yaml`, and the text of each example."""
    text = PAGE.read_text(encoding="utf-8")
    for found in re.finditer(r"^```yaml *([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, found.start()) + 1, found[1], found[2]


@pytest.mark.parametrize(
    ("line", "of", "text"), list(blocks()), ids=lambda value: str(value) if type(value) is int else ""
)
def test_an_example_is_a_configuration(tmp_path: Path, line: int, of: str, text: str) -> None:
    card = CARD.replace("standard", "default")
    if of:  # the firm's own section
        firm = FIRM[: FIRM.index("clients:")] if "clients:" in text else FIRM
        made = resolve(config(tmp_path, firm + PEOPLE + text))
        said = made.contracts or made.exchange_rates or made.contracts_from
        assert said or "rate_cards" in text, f"contracts.md:{line} says nothing"
        return
    project = "" if "projects:" in text else "    project: work/P-1\n"
    made = terms(tmp_path, PEOPLE + card + CONTRACT + project + textwrap.indent(text, "    "))
    assert list(made.contracts) == ["C"], f"contracts.md:{line}"


def sections() -> Iterator[type[Section]]:
    for module in (contracts, rates, gates):
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, Section) and found.__module__ == module.__name__:
                yield found


@pytest.mark.parametrize("section", list(sections()), ids=lambda section: section.__name__)
def test_every_term_has_an_example(section: type[Section]) -> None:
    written = "\n".join(text for _, _, text in blocks())
    names = [info.alias or name for name, info in section.model_fields.items()]
    missing = [name for name in names if not re.search(rf"\b{name}:", written)]
    assert missing == [], f"docs/contracts.md shows no example of {missing}"


def test_every_link_leads_to_a_file_and_all_ten_contracts_are_linked() -> None:
    text = PAGE.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    gone = [target for target in targets if not (PAGE.parent / target).exists()]
    assert gone == [], f"links that lead nowhere: {gone}"
    examples = {path.name for path in (ROOT / "examples" / "contracts").iterdir() if path.is_dir()}
    assert examples == {Path(target).name for target in targets if re.search(r"contracts/\d\d-", target)}
