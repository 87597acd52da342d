"""What other terms would do, and what is not mapped: config diff, what-if, map suggest on the worked example."""

from __future__ import annotations

import csv
import io
import json

CONTRACT = "ACME-2026-01"
RENEWAL = """\
id: ACME-2026-01
client: acme
project: work/P-1
signed: 2026-02-01
schedule:
  - {id: mobilisation, name: Mobilisation, amount: 22000, on: 2026-02-01}
  - {id: schematic, milestone: Schematic design, amount: 28500}
time: {rates: {default: 200}}
"""


def changed(firm) -> str:
    """Another configuration beside the firm's: permit 30,000 without acceptance, a cap of 5,100."""
    text = (firm.folder / "billsync.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("Permit set, amount: 33000, requires: [acceptance]", "Permit set, amount: 30000"),
        ("milestone: Final completion, amount: 27500", "milestone: Final completion, amount: 30500"),
        ("cap: {amount: 5000.00}", "cap: {amount: 5100.00}"),
    ):
        assert old in text
        text = text.replace(old, new)
    (firm.folder / "next.yaml").write_text(text, encoding="utf-8")
    return "next.yaml"


def test_config_diff_tells_each_term_and_what_it_does_to_everything_not_billed(firm):
    told = firm.json(0, "config", "diff", changed(firm))
    assert {(one["term"], one["before"], one["after"]) for one in told["terms"]} == {
        ("caps.time.amount", "USD 5,000.00", "USD 5,100.00"),
        ("lines.final.amount", "USD 27,500.00", "USD 30,500.00"),
        ("lines.permit.amount", "USD 33,000.00", "USD 30,000.00"),
        ("lines.permit.requires", "acceptance", None),
    }
    found = {one["identity"]: (one["before"], one["after"], one["was"], one["will_be"]) for one in told["effect"]}
    assert found == {
        f"{CONTRACT}/line/permit": ("33000.00", "30000.00", "held: acceptance_missing", "ready"),
        f"{CONTRACT}/line/final": ("27500.00", "30500.00", "not earned: open_milestone", "not earned: open_milestone"),
        # 400.00 were capped; under the larger cap 100.00 of them are a drift of billed work, and 300.00 stay capped
        "time/work/T-4": ("400.00", "400.00", "capped", "capped, held: drift"),
    }
    rows = list(csv.DictReader(io.StringIO(firm.expect(0, "config", "diff", "next.yaml", "--format", "csv"))))
    assert [row["identity"] for row in rows] == [one["identity"] for one in told["effect"]]
    assert [row["difference"] for row in rows] == ["3000.00", "-3000.00", "0.00"]


def test_config_diff_of_the_same_terms_says_so_and_writes_nothing(firm):
    before = (firm.folder / "billsync.db").read_bytes()
    said = firm.expect(0, "config", "diff", "billsync.yaml")
    assert "No term differs." in said and "Nothing that is not billed yet would change." in said
    assert (firm.folder / "billsync.db").read_bytes() == before


def test_config_diff_works_before_the_first_night(new_firm):
    told = new_firm.json(0, "config", "diff", changed(new_firm))
    assert len(told["terms"]) == 4 and told["effect"] == []
    assert not (new_firm.folder / "billsync.db").exists()


def test_what_if_rates_history_once_more_and_touches_nothing(firm):
    (firm.folder / "renewal").mkdir()
    (firm.folder / "renewal" / "acme.yaml").write_text(RENEWAL, encoding="utf-8")
    before = (firm.folder / "billsync.db").read_bytes()
    asked = ("what-if", "--contracts", "renewal", "--since")
    # billed gross 22,000 + 27,500 + 5,000; anew 22,000 + 28,500 + 30.00 h x 200 = 6,000 without a cap
    whole = {"contract": CONTRACT, "currency": "USD"}
    assert firm.json(0, *asked, "2026-02-01") == [
        whole | {"billed": "54500.00", "would_be": "56500.00", "difference": "2000.00"}
    ]
    # T-4 of 2 April alone: 950.00 of 1,350.00 fitted under the cap, 7.50 h x 200.00
    [one] = firm.json(0, *asked, "2026-04-01", "--each")
    assert (one["identity"], one["billed"], one["would_be"]) == ("time/work/T-4", "950.00", "1500.00")
    assert "As it would be" in firm.expect(0, *asked, "2026-02-01")
    assert (firm.folder / "billsync.db").read_bytes() == before
    assert firm.json(1, "sync")["pushed"] == []


def test_what_if_names_a_folder_that_is_not_there_and_a_mistake_in_it(firm):
    run = firm.run("what-if", "--contracts", "nowhere", "--since", "2026-02-01")
    assert run.returncode == 2 and "nowhere" in run.stderr
    (firm.folder / "renewal").mkdir()
    (firm.folder / "renewal" / "acme.yaml").write_text(RENEWAL.replace("client: acme", "client: acne"), "utf-8")
    run = firm.run("what-if", "--contracts", "renewal", "--since", "2026-02-01")
    assert run.returncode == 2 and "acme.yaml:2" in run.stderr and "'acne'" in run.stderr


def test_map_suggest_names_what_no_term_names_and_the_line_to_add(new_firm):
    with (new_firm.folder / "data" / "projects.csv").open("a", encoding="utf-8") as file:
        file.write("P-2,House on the Hill (garden),ACME Holdings Ltd,active\nP-3,Xyzzy,,active\n")
    new_firm.edit("billsync.yaml", "contracts:\n", "people:\n  ana.roe: {name: Ana}\ncontracts:\n")
    new_firm.expect(1, "sync")
    told = new_firm.json(1, "map", "suggest")
    best: dict[tuple[str, str], tuple[str | None, ...]] = {}
    for one in told:
        best.setdefault((one["what"], one["id"]), (one["target"], one["target_id"], one["yaml"]))
    assert best == {
        ("project", "P-2"): (
            "client",
            "acme",
            "contracts: - {id: house-on-the-hill-garden, client: acme, project: work/P-2}",
        ),
        ("project", "P-3"): (None, None, None),
        ("person", "ana"): ("person", "ana.roe", "people, ana.roe, accounts: {work: ana}"),
        ("person", "ben"): (None, None, None),
    }
    contract = next(one for one in told if one["target"] == "contract")
    assert contract["yaml"] == f"contracts, {CONTRACT}, projects: - work/P-2"
    said = new_firm.expect(1, "map", "suggest")
    assert "nothing like it" in said and "Nothing is billed on a suggestion" in said
    assert json.loads(new_firm.expect(1, "sync", "--format", "json"))["pushed"] == [], "a suggestion was billed"
