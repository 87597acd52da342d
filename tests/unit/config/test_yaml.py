"""The loader: scalars keep their meaning, everything keeps its line, traps are refused by name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from billsync.config.yaml import MAX_BYTES, YamlList, YamlMap, parse, plain_scalar, read
from billsync.model.contract import Origin
from billsync.model.errors import UsageError


def refused(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse(text, "b.yaml")
    return caught.value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("95.10", Decimal("95.10")),
        ("0.1", Decimal("0.1")),
        ("-3.50", Decimal("-3.50")),
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("true", True),
        ("false", False),
        ("2026-02-01", date(2026, 2, 1)),
        ("null", None),
        ("~", None),
    ],
)
def test_what_a_scalar_means(written: str, meant: Any) -> None:
    found = parse(f"key: {written}", "b.yaml")["key"]
    assert (type(found), found) == (type(meant), meant), f"{written} must be read as {meant!r}"
    if isinstance(meant, Decimal):
        assert str(found) == str(meant), "a Decimal keeps the digits of its text"


@pytest.mark.parametrize(
    "written",
    [
        "NO", "no", "Yes", "on", "off", "True", "FALSE", "007", "0123", "0o17", "0x1F", "1_000", "1e5", "1.5e3",
        "12:30", "1:30:00", "+5", "-0", "00.5", ".5", "5.", "1,000.50", ".inf", ".nan", "2026-02-30", "2026-2-1",
        "2026-02-01 10:00:00", "9" * 19, "NULL", "<<", "=",
    ],
)  # fmt: skip
def test_what_other_loaders_change_stays_text(written: str) -> None:
    assert parse(f"key: {written}", "b.yaml")["key"] == written
    assert type(parse(f"key: {written}", "b.yaml")["key"]) is str


def test_quotes_and_the_text_tag_make_text_of_anything() -> None:
    found = parse("a: '1.50'\nb: \"true\"\nc: !!str 2026-02-01\nd: ''\ne: |\n  12\n", "b.yaml")
    assert found == {"a": "1.50", "b": "true", "c": "2026-02-01", "d": "", "e": "12\n"}


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=30))
def test_a_plain_scalar_is_read_so_that_writing_it_gives_the_same_characters(text: str) -> None:
    value = plain_scalar(text)
    if value is None:
        assert text in ("", "~", "null")
    elif isinstance(value, bool):
        assert text == str(value).lower()
    elif isinstance(value, Decimal):
        assert format(value, "f") == text
    else:
        assert str(value) == text


@given(st.from_regex(r"-?[0-9_+:.eExX]{1,12}", fullmatch=True))
def test_nothing_that_looks_like_a_number_loses_a_character(text: str) -> None:
    value = plain_scalar(text)
    assert (format(value, "f") if isinstance(value, Decimal) else str(value)) == text


@given(
    st.recursive(
        st.one_of(
            st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=12),
            st.booleans(),
            st.none(),
            st.integers(-(10**17), 10**17),
            st.dates(),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.text(alphabet="abcdefgh NO0_~", min_size=1, max_size=6), inner, max_size=4),
        ),
        max_leaves=12,
    )
)
def test_what_a_careful_writer_wrote_is_read_back(value: Any) -> None:
    text = yaml.safe_dump({"value": value}, allow_unicode=True)
    assert parse(text, "b.yaml") == {"value": value}


def test_keys_are_text_as_they_stand() -> None:
    assert list(parse("NO: 1\n007: 2\n1.50: 3\n2026-01-01: 4\ntrue: 5\n", "b.yaml")) == [
        "NO",
        "007",
        "1.50",
        "2026-01-01",
        "true",
    ]


def test_mappings_lists_and_scalars_know_their_lines() -> None:
    found = parse("# a comment\na:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n", "f.yaml")
    assert isinstance(found, YamlMap) and found.origin == Origin(file="f.yaml", line=2)
    inner = found["a"]
    assert inner.origins == {"b": Origin(file="f.yaml", line=3), "c": Origin(file="f.yaml", line=4)}
    assert isinstance(inner["c"], YamlList)
    assert [origin.line for origin in inner["c"].origins] == [5, 6]
    assert inner["c"][1].origins["d"] == Origin(file="f.yaml", line=6)


def test_a_key_written_twice_is_refused_with_both_lines() -> None:
    error = refused("a: 1\nb: 2\na: 3\n")
    assert "'a' is written twice" in error.what
    assert (error.where, error.hint) == ("b.yaml:3", "first written in line 1")


def test_anchors_and_merges_work_and_own_keys_win() -> None:
    found = parse("a: &base {x: 1, y: 2}\nb:\n  <<: *base\n  y: 3\nc: *base\nd: {<<: [*base, {z: 4}]}\n", "b.yaml")
    assert found["b"] == {"x": 1, "y": 3}
    assert found["b"].origins["x"].line == 1, "a merged key stands where its anchor stands"
    assert found["c"] == {"x": 1, "y": 2}
    assert found["d"] == {"x": 1, "y": 2, "z": 4}


def test_a_billion_laughs_are_refused_before_they_unfold() -> None:
    lines = ["l0: &l0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 10)]
    error = refused("\n".join(lines))
    assert "aliases unfolded" in error.what
    assert error.where.startswith("b.yaml:")


@pytest.mark.parametrize("parser", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: *nowhere\n", 1, "*nowhere has no &nowhere"),
        ("a: &a [1, *a]\n", 1, "*a has no &a"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "tag"),
        ("a: 1\nb: !own {c: 1}\n", 2, "tag"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: 1\n? [x]\n: 2\n", 2, "plain text"),
        ("a: 1\nb: {<<: 5}\n", 2, "merges mappings only"),
        ("a: 1\n" + "b: " + "[" * 60 + "]" * 60, 2, "deeper than"),
        ("a: 1\n\tb: 2\n", 2, "a tab stands"),
        ("a:\n  b: 1\n\tc: 2\n", 3, "a tab stands"),
        ("a: b: c\n", 1, "second ': '"),
        ("a: 1\nb: 'open\n", 2, "not closed"),
        ("a: 1\nb: x\x01y\n", 2, "control character"),
        ("a: [1, 2\nb: 3\n", 2, "not valid YAML"),
    ],
)
def test_what_is_not_allowed_names_its_line(
    text: str, line: int, what: str, parser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billsync.config.yaml._PARSER", parser)
    error = refused(text)
    assert what in error.what, str(error)
    assert error.where == f"b.yaml:{line}", str(error)


def test_thousands_of_brackets_end_in_an_error_and_not_in_the_interpreter() -> None:
    assert "deeper than" in refused("a: " + "[" * 100_000).what


def test_a_file_that_is_too_large_or_no_utf8_or_not_there(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: 1\nb: Zürich\n".encode("latin-1"))
    for path, what, where in [
        (large, "larger than", str(large)),
        (latin, "not UTF-8", f"{latin}:2"),
        (tmp_path / "none.yaml", "cannot be read", str(tmp_path / "none.yaml")),
    ]:
        with pytest.raises(UsageError) as caught:
            read(path)
        assert what in caught.value.what
        assert caught.value.where == where


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2.50\r\n")
    found = read(path)
    assert found == {"a": 1, "b": Decimal("2.50")}
    assert found.origins["b"].line == 2
