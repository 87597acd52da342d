"""What should have happened and did not: a planned date that passed, a silent person, a client that was not billed."""

from __future__ import annotations

from billsync.rules.view import View


def absences(view: View) -> None:
    """Add the findings of what is missing."""
    for one in view.found.not_earned:
        if one.cause == "open_milestone" and one.due_on is not None and one.due_on < view.today:
            text = f"{one.name}: planned for {one.due_on}, and not done"
            view.say("planned_date_passed", one.identity, text, on=one.due_on, amount=one.amount, currency=one.currency)
