"""Fault simulation: seeded months of small firms over the real night, with everything going wrong that can.

    script.py      what happens, as data: nights and events; drawn from a seed, shrunk when it fails
    draw.py        seed -> script
    shapes.py      small firms: their configuration, and what each of their records can be worth at most
    edges.py       where a process can die: around each commit, each request, each touch of the books
    world.py       clock, work log, books and firm of one run
    people.py      what people decide, and do in the books by hand
    play.py        one script, played to the end and checked
    invariants.py  what must hold after every step
    campaign.py    many seeds, on several processes

`billsync torture` runs it; docs/exactly-once.md says what it proves and what not.
"""

from billsync.torture.campaign import Campaign, campaign
from billsync.torture.draw import draw
from billsync.torture.play import Played, play
from billsync.torture.script import Event, Night, Script
from billsync.torture.shrink import shrink

__all__ = ["Campaign", "Event", "Night", "Played", "Script", "campaign", "draw", "play", "shrink"]
