"""Owners of operators by a part of their name."""

from __future__ import annotations

from collections.abc import Sequence

from customer_research.errors import UsageError

People = tuple[tuple[str, str], ...]
"""Account owners: HubSpot's id (empty in a snapshot of an older version) and the name."""


def people_called(asked: str, people: People) -> People:
    """The owners that an id, a name or a part of one means.

    Raises:
        UsageError: none is; it lists those that there are.
    """
    by_id = tuple(one for one in people if one[0] and one[0] == asked)
    if by_id:
        return by_id
    names = fitting_owners(asked, list(dict.fromkeys(name for _, name in people)))
    return tuple(one for one in people if one[1] in names)


def fitting_owners(asked: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names of owners that a word means: the one that is that very name, else all that have it as a part.

    Raises:
        UsageError: none has.
    """
    folded = asked.casefold()
    fitting = [name for name in names if name.casefold() == folded] or [n for n in names if folded in n.casefold()]
    if not fitting:
        told = f"Owners: {', '.join(names)}." if names else "HubSpot names no owner of any operator."
        raise UsageError(f"No account owner's name has {asked[:60]!r} in it.", hint=told)
    return tuple(fitting)
