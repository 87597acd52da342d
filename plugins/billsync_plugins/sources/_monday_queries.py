"""What monday.com is asked: few and fat queries, since a small firm has 1,000 calls a day.

Some types of columns tell nothing by `text` (mirrors, connected boards, formulas): they are asked what they display.
"""

from typing import Final

WHO: Final = "{ me { name account { name } } versions { kind value } }"
BOARDS: Final = """query ($boards: [ID!]!, $limit: Int!) {
  boards(ids: $boards, limit: $limit) { id name state columns { id title type } }
}"""
DISPLAYED: Final = "FormulaValue MirrorValue BoardRelationValue DependencyValue SubtasksValue".split()
PARTS: Final = (
    "StatusValue { index label is_done updated_at }",
    "NumbersValue { number }",
    "DateValue { date updated_at }",
    "TimelineValue { from to updated_at }",
    "CheckboxValue { checked updated_at }",
    "PeopleValue { persons_and_teams { id kind } updated_at }",
    "DropdownValue { values { label } }",
    "FileValue { files { ... on FileAssetValue { name } ... on FileLinkValue { name } } }",
    "TimeTrackingValue { duration running history { id started_at ended_at started_user_id } }",
    *(f"{name} {{ display_value }}" for name in DISPLAYED),
)
ITEMS: Final = f"""query ($boards: [ID!]!, $columns: [String!]!, $limit: Int!, $cursor: String) {{
  boards(ids: $boards) {{ items_page(limit: $limit, cursor: $cursor) {{ cursor items {{
    id name state updated_at url group {{ id title }} parent_item {{ id }}
    column_values(ids: $columns) {{ id type text {" ".join(f"... on {part}" for part in PARTS)} }}
  }} }} }}
}}"""
MARK: Final = """mutation ($board: ID!, $item: ID!, $column: String!, $value: String) {
  change_simple_column_value(board_id: $board, item_id: $item, column_id: $column, value: $value) { id }
}"""
