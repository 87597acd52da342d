"""Every kind of paging: three pages and an end, and what makes an end unbelievable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billsync.model.errors import BadAnswer, Denied, Missing
from billsync.sdk import Cursor, HeaderCursor, LastId, LinkHeader, NextLink, Offset, PageNumber, Relay, Single
from billsync.sdk.paging import Pages
from tests.unit.http.vendor import Says, Seen, Vendor

ROWS = [{"id": number} for number in range(1, 6)]
IDS = [1, 2, 3, 4, 5]
"""Five rows in pages of two: the third page is short."""


def ids(rows: Any) -> list[int]:
    return [row["id"] for row in rows]


def page(seen: Seen) -> int:
    return int(seen.param("page") or 1)


def cut(start: int, size: int = 2) -> list[dict[str, int]]:
    return ROWS[start : start + size]


def next_link(seen: Seen) -> Says:
    at = page(seen)
    following = f"/v1/x?page={at + 1}&kept=1" if at < 3 else None
    return Says({"items": cut(at * 2 - 2), "links": {"next": following}})


def link_header(seen: Seen) -> Says:
    at = page(seen)
    more = {"Link": f'<?page={at - 1}>; rel="prev", <?page={at + 1}>; rel="next"'} if at < 3 else {}
    return Says({"items": cut(at * 2 - 2)}, headers=more)


def cursor(seen: Seen) -> Says:
    at = int((seen.param("after") or "c1").removeprefix("c"))
    return Says({"items": cut(at * 2 - 2), "next": f"c{at + 1}", "more": at < 3})


def page_number(seen: Seen) -> Says:
    return Says({"items": cut(page(seen) * 2 - 2), "pages": 3})


def offset(seen: Seen) -> Says:
    return Says({"items": cut(int(seen.param("skip") or 0)), "total": 5})


def last_id(seen: Seen) -> Says:
    after = int(seen.param("since_id") or 0)
    return Says({"items": [row for row in ROWS if row["id"] > after][:2]})


def header_cursor(seen: Seen) -> Says:
    at = page(seen)
    return Says({"items": cut(at * 2 - 2)}, headers={"X-Next-Page": str(at + 1) if at < 3 else ""})


KINDS: list[tuple[Pages, Callable[[Seen], Says]]] = [
    (NextLink(at="links.next", size={"per_page": 2}), next_link),
    (LinkHeader(size={"per_page": 2}), link_header),
    (Cursor(at="next", param="after", more_at="more", size={"limit": 2}), cursor),
    (PageNumber(size_param="per_page", size=2), page_number),
    (PageNumber(size_param="per_page", size=2, last_at="pages"), page_number),
    (Offset(param="skip", size_param="top", size=2), offset),
    (Offset(param="skip", size=2, total_at="total"), offset),
    (LastId(of="id", param="since_id", size=2), last_id),
    (HeaderCursor(header="X-Next-Page", param="page"), header_cursor),
]


@pytest.mark.parametrize(("pages", "script"), KINDS, ids=lambda value: type(value).__name__)
def test_all_rows_of_all_pages_come_once_and_in_order(vendor, opened, api, pages, script):
    vendor.on("/v1/x", script)
    session = opened(api(pages=pages))
    assert ids(session.rows("/x", at="items")) == IDS
    assert session.stats.pages == 3


@pytest.mark.parametrize(("pages", "script"), KINDS, ids=lambda value: type(value).__name__)
def test_a_failed_page_is_never_an_empty_page(vendor, opened, api, pages, script):
    vendor.on("/v1/x", script, Says({"message": "no"}, 403))
    got: list[int] = []
    with pytest.raises(Denied, match="no"):
        for row in opened(api(pages=pages)).rows("/x", at="items"):
            got.append(row["id"])
    assert got == [1, 2]


def test_sizes_are_asked_for_and_next_links_followed_verbatim(vendor, opened, api):
    vendor.on("/v1/x", next_link)
    declared = api(pages=NextLink(at="links.next", size={"per_page": 2}), params={"version": "4"})
    ids(opened(declared).rows("/x", {"from": "2026-01-01"}, at="items"))
    first, second, _ = vendor.seen
    assert dict(first.query) == {"version": "4", "from": "2026-01-01", "per_page": "2"}
    assert second.query == [("page", "2"), ("kept", "1")]


def test_a_single_answer_may_be_the_list_itself(vendor, opened, api):
    vendor.on("/v1/x", Says(ROWS))
    assert ids(opened(api()).rows("/x")) == IDS


@pytest.mark.parametrize("last", [{"X-Last": "true"}, {"X-Last": "3"}])
def test_a_header_may_say_which_page_is_the_last(vendor, opened, api, last):
    def full(seen: Seen) -> Says:
        at = page(seen)
        headers = last if last["X-Last"] == "3" or at == 3 else {"X-Last": "false"}
        return Says([{"id": at * 10}, {"id": at * 10 + 1}], headers=headers)

    vendor.on("/v1/x", full)
    rows = opened(api(pages=PageNumber(size=2, last_header="X-Last"))).rows("/x")
    assert ids(rows) == [10, 11, 20, 21, 30, 31]


def test_a_boolean_may_say_that_it_was_the_last_page_even_of_a_full_one(vendor, opened, api):
    vendor.on("/v1/x", Says({"items": cut(0), "isLast": False}), Says({"items": cut(2), "isLast": True}))
    rows = opened(api(pages=Offset(param="startAt", size_param="maxResults", size=2, last_at="isLast"))).rows(
        "/x", at="items"
    )
    assert ids(rows) == [1, 2, 3, 4]


def test_an_offset_goes_on_from_what_came_not_from_what_was_asked(vendor, opened, api):
    """A server may allow less than we ask for."""
    vendor.on("/v1/x", lambda seen: Says({"items": cut(int(seen.param("offset") or 0)), "total": 5}))
    assert ids(opened(api(pages=Offset(size=100, total_at="total"))).rows("/x", at="items")) == IDS
    assert [seen.param("offset") for seen in vendor.seen] == ["0", "2", "4"]


def test_post_reads_page_in_the_body_or_in_the_query(vendor, opened, api):
    def by_body(seen: Seen) -> Says:
        at = seen.json()["filter"]["page"]
        return Says({"items": cut(at * 2 - 2)})

    vendor.on("/v1/x", by_body)
    pages = PageNumber(param="filter.page", size_param="filter.size", size=2)
    assert ids(opened(api(pages=pages)).rows("/x", at="items", body={"filter": {"kind": "time"}})) == IDS
    assert vendor.seen[2].json() == {"filter": {"kind": "time", "page": 3, "size": 2}}

    vendor.on("/v1/y", offset)
    pages_in_query = Offset(param="?skip", size_param="?top", size=2)
    assert ids(opened(api(pages=pages_in_query)).rows("/y", at="items", body={"q": "select"})) == IDS
    assert {seen.method for seen in vendor.seen} == {"POST"}
    assert vendor.asked("/v1/y")[1].json() == {"q": "select"}


def test_a_204_ends_the_list(vendor, opened, api):
    vendor.on("/v1/x", Says(cut(0)), Says(status=204))
    assert ids(opened(api(pages=PageNumber(size=2))).rows("/x")) == [1, 2]


def test_an_etag_may_have_to_be_sent_back(vendor, opened, api):
    vendor.on("/v1/x", Says({"items": cut(0)}, headers={"ETag": "t1"}), Says({"items": cut(4)}))
    pages = Offset(param="offset", size=2, echo_etag=True)
    assert ids(opened(api(pages=pages)).rows("/x", at="items")) == [1, 2, 5]
    assert vendor.seen[1].headers["etag"] == "t1"


# ---- Guards ------------------------------------------------------------------------------------------------------


def refuses(rows: Any, match: str) -> None:
    with pytest.raises(BadAnswer, match=match):
        list(rows)


def test_the_same_cursor_twice_is_refused(vendor, opened, api):
    fresh = iter(range(100))
    vendor.on("/v1/x", lambda seen: Says({"items": [{"id": next(fresh)}], "next": "stuck"}))
    with pytest.raises(BadAnswer, match="same cursor twice") as caught:
        list(opened(api(pages=Cursor(at="next", param="after"))).rows("/x", at="items"))
    assert caught.value.where == f"acme: GET {vendor.url}/v1/x"


def test_the_same_link_twice_is_refused(vendor, opened, api):
    fresh = iter(range(100))
    vendor.on("/v1/x", lambda seen: Says({"items": [{"id": next(fresh)}], "next": "/v1/x?page=2"}))
    refuses(opened(api(pages=NextLink(at="next"))).rows("/x", at="items"), "same cursor twice")


@pytest.mark.parametrize("pages", [PageNumber(size=2), Offset(size=2), LastId(of="at", param="since", size=2)])
def test_a_vendor_that_ignores_the_page_is_refused(vendor, opened, api, pages):
    moments = iter(range(100))
    vendor.on("/v1/x", lambda seen: Says([{"id": 1}, {"id": 2, "at": next(moments)}]))
    refuses(opened(api(pages=pages)).rows("/x"), "no new row")


def test_a_vendor_that_ignores_the_page_is_refused_where_rows_have_no_id(vendor, opened, api):
    vendor.on("/v1/x", Says([{"hours": 1}, {"hours": 2}]))
    refuses(opened(api(pages=PageNumber(size=2))).rows("/x", unique=""), "same rows again")


def test_rows_seen_twice_come_once(vendor, opened, api):
    vendor.on("/v1/x", Says([{"id": 1}, {"id": "2"}]), Says([{"id": 2}, {"id": 3}]), Says([]))
    assert ids(opened(api(pages=PageNumber(size=2))).rows("/x")) == [1, "2", 3]


def test_an_overlap_that_is_not_seen_again_means_that_the_list_moved(vendor, opened, api):
    vendor.on("/v1/x", Says([{"id": 1}, {"id": 2}, {"id": 3}]), Says([{"id": 5}, {"id": 6}, {"id": 7}]))
    refuses(opened(api(pages=Offset(size=3, overlap=1))).rows("/x"), "moved while it was read")
    assert vendor.seen[1].param("offset") == "2"


def test_an_overlap_that_is_seen_again_is_dropped(vendor, opened, api):
    vendor.on("/v1/x", Says([{"id": 1}, {"id": 2}, {"id": 3}]), Says([{"id": 3}, {"id": 4}]))
    assert ids(opened(api(pages=Offset(size=3, overlap=1))).rows("/x")) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "pages",
    [Offset(size=2, total_at="total"), PageNumber(size=2, total_at="total"), NextLink(at="next", total_at="total")],
)
@pytest.mark.parametrize("unique", ["id", ""])
def test_a_list_that_shrinks_while_it_is_read_may_have_hidden_a_row(vendor, opened, api, pages, unique):
    vendor.on(
        "/v1/x",
        Says({"items": cut(0), "total": 5, "next": "/v1/x?page=2"}),
        Says({"items": cut(3), "total": 4}),
    )
    refuses(opened(api(pages=pages)).rows("/x", at="items", unique=unique), "shrank")


@pytest.mark.parametrize("pages", [Offset(size=2, total_at="total"), PageNumber(size=2, last_at="pages")])
def test_an_empty_page_before_the_announced_end_is_refused(vendor, opened, api, pages):
    vendor.on("/v1/x", Says({"items": cut(0), "total": 5, "pages": 3}), Says({"items": [], "total": 5, "pages": 3}))
    refuses(opened(api(pages=pages)).rows("/x", at="items"), "empty page before")


@pytest.mark.parametrize(
    "pages", [Single(cap=2), PageNumber(size=2, cap=2), Cursor(at="none", param="x", cap=2), Offset(size=2, cap=2)]
)
def test_a_list_as_long_as_the_silent_cap_was_cut(vendor, opened, api, pages):
    vendor.on("/v1/x", Says({"items": cut(0)}))
    got: list[Any] = []
    with pytest.raises(BadAnswer, match="cut the list at 2 rows") as caught:
        got.extend(opened(api(pages=pages)).rows("/x", at="items"))
    assert "shorter window" in caught.value.hint


def test_a_list_shorter_than_the_cap_is_whole(vendor, opened, api):
    vendor.on("/v1/x", Says({"items": cut(0, 1)}))
    assert ids(opened(api(pages=Single(cap=2))).rows("/x", at="items")) == [1]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "missing"),
        ({"data": None}, "missing"),
        ({"data": {}}, "missing"),
        ({"data": {"items": None}}, "missing"),
        ({"data": {"items": {"id": 1}}}, "an object, not a list"),
        ({"data": {"items": "none"}}, "text, not a list"),
        ({"data": {"items": [{"id": 1}, "row"]}}, "row 1 of data.items is text, not an object"),
        ({"data": {"items": [None]}}, "null, not an object"),
        ({"data": {"items": [{"name": "no id"}]}}, "has no 'id'"),
        ({"data": {"items": [{"id": None}]}}, "has no 'id'"),
        ([], "missing"),
    ],
)
def test_a_missing_list_is_never_an_empty_one(vendor, opened, api, body, words):
    vendor.on("/v1/x", Says(body))
    refuses(opened(api()).rows("/x", at="data.items"), words)


@pytest.mark.parametrize("body", [{"data": {}}, {"data": {"items": None}}, {"data": {"items": []}}])
def test_only_a_declared_absence_is_empty(vendor, opened, api, body):
    vendor.on("/v1/x", Says(body))
    assert list(opened(api()).rows("/x", at="data.items?")) == []


def test_a_declared_absence_does_not_excuse_what_stands_above_it(vendor, opened, api):
    vendor.on("/v1/x", Says({"fault": "no"}))
    refuses(opened(api()).rows("/x", at="data.items?"), "missing")


def test_more_without_a_cursor_to_it_is_refused(vendor, opened, api):
    vendor.on("/v1/x", Says({"items": cut(0), "more": True, "next": None}))
    refuses(opened(api(pages=Cursor(at="next", param="a", more_at="more"))).rows("/x", at="items"), "no cursor")


def test_an_answer_that_does_not_say_whether_there_is_more_is_refused(vendor, opened, api):
    vendor.on("/v1/x", Says({"items": cut(0), "next": None}))
    refuses(opened(api(pages=Cursor(at="next", param="a", more_at="more"))).rows("/x", at="items"), "does not say")


def test_an_expired_cursor_ends_the_poll(vendor, opened, api):
    vendor.on("/v1/x", Says({"items": cut(0), "next": "old"}), Says({"message": "cursor expired"}, 410))
    with pytest.raises(Missing, match="cursor expired"):
        list(opened(api(pages=Cursor(at="next", param="after"))).rows("/x", at="items"))


# ---- GraphQL -----------------------------------------------------------------------------------------------------

QUERY = "query ($after: String) { cards(after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"


def connection(vendor: Vendor, shape: str) -> None:
    def answer(seen: Seen) -> Says:
        at = int(seen.json()["variables"].get("after", "c1").removeprefix("c"))
        rows = cut(at * 2 - 2)
        list_of = {"nodes": rows} if shape == "nodes" else {"edges": [{"node": row} for row in rows]}
        info = {"hasNextPage": at < 3, "endCursor": f"c{at + 1}"}
        return Says({"data": {"cards": {**list_of, "pageInfo": info}}})

    vendor.on("/v1", answer)


@pytest.mark.parametrize("shape", ["nodes", "edges"])
@pytest.mark.parametrize("at", ["cards", "data.cards"])
def test_a_connection_is_followed_to_its_end(vendor, opened, api, shape, at):
    connection(vendor, shape)
    session = opened(api(pages=Relay(at=at)))
    assert ids(session.graphql(QUERY, {"board": 7})) == IDS
    assert [seen.json()["variables"].get("after") for seen in vendor.seen] == [None, "c2", "c3"]
    assert vendor.seen[2].json() == {"query": QUERY, "variables": {"board": 7, "after": "c3"}}


@pytest.mark.parametrize(
    "info", [None, {}, {"hasNextPage": "yes"}, {"hasNextPage": True, "endCursor": None}], ids=lambda info: str(info)
)
def test_a_connection_that_does_not_say_its_end_is_refused(vendor, opened, api, info):
    vendor.on("/v1", Says({"data": {"cards": {"nodes": cut(0), "pageInfo": info}}}))
    refuses(opened(api()).graphql(QUERY, pages=Relay(at="cards")), "pageInfo|endCursor")


def test_lists_and_single_objects_of_a_query(vendor, opened, api):
    vendor.on("/v1/graphql", Says({"data": {"boards": ROWS, "me": {"id": 9}}}))
    session = opened(api())
    assert ids(session.graphql("{boards{id}}", path="/graphql", at="boards")) == IDS
    assert list(session.graphql("{me{id}}", path="/graphql")) == [{"boards": ROWS, "me": {"id": 9}}]


def test_pages_of_a_query_are_variables(vendor, opened, api):
    vendor.on("/v1", lambda seen: Says({"data": {"boards": cut(seen.json()["variables"]["page"] * 2 - 2)}}))
    session = opened(api(pages=PageNumber(size_param="limit", size=2)))
    assert ids(session.graphql("query", at="boards")) == IDS
    assert vendor.seen[0].json()["variables"] == {"limit": 2, "page": 1}


@pytest.mark.parametrize("data", [None, {"boards": None}, {"boards": []}])
def test_errors_beside_data_are_errors(vendor, opened, api, data):
    vendor.on("/v1", Says({"data": data, "errors": [{"message": "no access to board 7"}]}))
    refuses(opened(api()).graphql("{boards{id}}", at="boards"), "no access to board 7")


def test_an_empty_list_of_errors_is_no_error(vendor, opened, api):
    vendor.on("/v1", Says({"data": {"boards": ROWS}, "errors": []}))
    assert ids(opened(api()).graphql("{boards{id}}", at="boards")) == IDS


def test_a_link_on_the_last_page_is_not_followed_and_one_that_is_missing_before_is_refused(vendor, opened, api):
    """Jira's worklogs tell the address of the page to come, also where there is none yet."""
    pages = NextLink(at="next", last_at="last")
    vendor.on("/v1/x", Says({"items": cut(0), "next": "/v1/x?b", "last": False}))
    vendor.on("/v1/x", Says({"items": cut(2), "next": "/v1/x?c", "last": True}))
    assert len(ids(opened(api(pages=pages)).rows("/x", at="items"))) == 2
    vendor.on("/v1/y", Says({"items": cut(0), "last": False}))
    with pytest.raises(BadAnswer, match="no link"):
        ids(opened(api(pages=pages)).rows("/y", at="items"))


def test_a_cursor_is_missed_before_the_last_page_and_ignored_on_it(vendor, opened, api):
    pages = Cursor(at="next", param="after", last_at="last")
    vendor.on("/v1/x", Says({"items": cut(0), "next": "n", "last": True}))
    assert ids(opened(api(pages=pages)).rows("/x", at="items")) == [1, 2]
    vendor.on("/v1/y", Says({"items": cut(0), "next": None, "last": False}))
    with pytest.raises(BadAnswer, match="no cursor"):
        ids(opened(api(pages=pages)).rows("/y", at="items"))


@pytest.mark.parametrize("short", [None, 0, 2])
def test_an_offset_goes_on_while_the_vendor_links_to_more_however_short_a_page_is(vendor, opened, api, short):
    """Nobody knows the vendor's largest page: a short page proves nothing, its link does (Tempo)."""

    def script(seen: Seen) -> Says:
        start = int(seen.param("offset") or 0)
        rows = ROWS[start : start + (1 if start == short else 3)]
        return Says({"items": rows, **({"next": "x"} if start + len(rows) < len(ROWS) else {})})

    vendor.on("/v1/x", script)
    pages = Offset(size=1000, more_at="next", overlap=2)
    assert ids(opened(api(pages=pages)).rows("/x", at="items")) == IDS


def test_numbered_pages_end_where_all_rows_have_come(vendor, opened, api):
    """The last page may be repeated for ever (Smartsheet)."""
    vendor.on("/v1/x", lambda seen: Says({"items": cut(min(page(seen), 3) * 2 - 2), "count": 5}))
    pages = PageNumber(size_param="size", size=100, count_at="count")
    assert ids(opened(api(pages=pages)).rows("/x", at="items")) == IDS
    assert len(vendor.seen) == 3
    vendor.on("/v1/y", lambda seen: Says({"items": cut(min(page(seen), 3) * 2 - 2), "count": 6}))
    with pytest.raises(BadAnswer, match="no new row"):
        ids(opened(api(pages=pages)).rows("/y", at="items"))


def test_headers_go_with_every_page(vendor, opened, api):
    """Xero's filter by change time is a header."""
    vendor.on("/v1/x", lambda seen: Says({"items": cut(page(seen) * 2 - 2)}))
    pages = PageNumber(size_param="size", size=2)
    rows = opened(api(pages=pages)).rows("/x", at="items", headers={"If-Modified-Since": "2026-03-01T00:00:00"})
    assert ids(rows) == IDS
    assert {seen.headers["if-modified-since"] for seen in vendor.seen} == {"2026-03-01T00:00:00"}
