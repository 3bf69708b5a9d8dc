"""A laid-out report cut to the room there is: the weightiest parts first, and of what is left out the number.

How much room a node takes is what its format says: lines of a terminal, characters of an answer. A node is cut by its entries:
sentences of a list, labelled values, rows of a table; a paragraph or a picture stays whole or is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from customer_research.documents.page import Grid, List, Node, Pairs, Paragraph, Part

_LIGHTER = 3
"""As long as lighter parts follow, this part of the room that is left is kept for them: a third."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a format has room for: `size` in all, what a node takes, what a heading takes, and the space between nodes.

    `least` is what each part of one weight gets before one of them gets more. An entry of a node takes at least 1.
    """

    size: int
    of_node: Callable[[Node], int]
    of_heading: int
    between: int
    least: int
    _sizes: dict[int, tuple[Node, int]] = field(default_factory=dict)
    _cuts: dict[tuple[int, int], Node] = field(default_factory=dict)

    def size_of(self, node: Node) -> int:
        """What a node takes: each is measured once, for drawing costs more than all else here."""
        if id(node) not in self._sizes:
            self._sizes[id(node)] = node, self.of_node(node)
        return self._sizes[id(node)][1]

    def cut(self, node: Node, count: int) -> Node:
        """The first entries of a node, the same each time, so that they too are measured once."""
        place = id(node), count
        if place not in self._cuts:
            self._cuts[place] = _cut(node, count)
        return self._cuts[place]

    def fits(self, before: Sequence[Node], node: Node, size: int) -> bool:
        """Whether a node has room behind others; one with more entries than there is room is not drawn to tell."""
        return _entries(node) <= size and self.taken((*before, node)) <= size

    def taken(self, nodes: Sequence[Node]) -> int:
        """What a part with these nodes takes; nothing without any."""
        if not nodes:
            return 0
        joints = sum(self.between for before in nodes[:-1] if not leads(before))
        return self.of_heading + joints + sum(map(self.size_of, nodes))


@dataclass(frozen=True, slots=True)
class FirstScreen:
    """The parts that are shown, the weightiest first, and what is left out: titles with the number of entries."""

    parts: tuple[Part, ...]
    left_out: tuple[tuple[str, int], ...]


def first_screen(parts: Sequence[Part], room: Room) -> FirstScreen:
    """As much of the parts as there is room for.

    Parts of one weight share the room: each gets a little, then each in turn what is left. A heavier part is served before a
    lighter one, but leaves a third of what there is to those.
    """
    ranked = sorted((part for part in parts if part.weight), key=lambda part: -part.weight)
    kept: list[Part] = []
    left, groups = room.size, [list(group) for _, group in groupby(ranked, key=lambda part: part.weight)]
    for number, group in enumerate(groups):
        last = number == len(groups) - 1
        shown = list(_shared(group, left if last else left - max(left, 0) // _LIGHTER, room))
        left -= sum(room.taken(part.nodes) for part in shown)
        kept += shown
    here = {part.heading: entries(part) for part in kept}
    missing = ((part.heading.text, entries(part) - here.get(part.heading, 0)) for part in parts)
    return FirstScreen(
        tuple(part for part in kept if part.nodes), tuple((title, count) for title, count in missing if count)
    )


def _shared(group: Sequence[Part], size: int, room: Room) -> Iterator[Part]:
    """The parts of one weight, cut so that together they take no more than `size`."""
    shares: list[int] = []
    for part in group:
        shares.append(room.taken(_fitting(part.nodes, min(room.least, size - sum(shares)), room)))
    for at, part in enumerate(group):
        nodes = _fitting(part.nodes, size - sum(shares) + shares[at], room)
        shares[at] = room.taken(nodes)
        yield replace(part, nodes=nodes)


def _fitting(nodes: Sequence[Node], size: int, room: Room) -> tuple[Node, ...]:
    """The first nodes that have room, the last of them cut; what cannot be cut and has none is left out."""
    shown: list[Node] = []
    for node in nodes:
        if room.fits(shown, node, size):
            shown.append(node)
            continue
        part = _most(node, shown, size, room)
        if part is not None:
            shown.append(part)
            break
    while shown and leads(shown[-1]):
        shown.pop()
    return tuple(shown)


def _most(node: Node, before: Sequence[Node], size: int, room: Room) -> Node | None:
    """As many entries of a node as have room behind others; None where not even one has."""
    low, high = 0, min(_entries(node) - 1, size)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if room.fits(before, room.cut(node, middle), size) else (low, middle - 1)
    return room.cut(node, low) if low and room.fits(before, room.cut(node, low), size) else None


def _cut(node: Node, count: int) -> Node:
    """The first entries of a node; a table tells how many of how many it shows."""
    if isinstance(node, List):
        return replace(node, lines=node.lines[:count])
    if isinstance(node, Pairs):
        return replace(node, pairs=node.pairs[:count])
    if isinstance(node, Grid):
        return replace(node, rows=node.rows[:count], beside=f"({count} of {node.total} shown)")
    return node


def _entries(node: Node) -> int:
    """How many entries a node has; a paragraph or a picture is one."""
    if isinstance(node, List):
        return len(node.lines)
    if isinstance(node, Pairs):
        return len(node.pairs)
    if isinstance(node, Grid):
        return len(node.rows)
    return 1


def entries(part: Part) -> int:
    """How many sentences, values, rows and pictures a part has; the title of a list is none of them."""
    return sum(_entries(node) for node in part.nodes if not leads(node))


def leads(node: Node) -> bool:
    """Whether a node is the title of what follows it."""
    return isinstance(node, Paragraph) and node.line.text.endswith(":")
