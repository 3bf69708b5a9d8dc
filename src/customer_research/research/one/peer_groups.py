"""Operators like one, as the last scoring of the portfolio left them beside the lake."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from customer_research import private
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Figure, Gap
from customer_research.domain.peers import ENOUGH, LIKENESSES, PeerGroup, PeerGroups, Peers

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FILE = "peers.json"
"""The file of the lake that has the groups of the last scoring."""

_SOURCE = "peers"


@cache
def _adapter() -> TypeAdapter[PeerGroups]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - start-up time

    return TypeAdapter(PeerGroups)


def keep_groups(lake: Path, found: PeerGroups) -> None:
    """Keep the groups in place of the last ones.

    Raises:
        OSError: they cannot be written.
    """
    private.make_folder(lake)
    private.write(lake / FILE, _adapter().dump_json(found))


def peers_of(lake: Path, figures: Mapping[str, Figure]) -> Peers | Gap:
    """The operators like the one that has these figures: of its size, else of its segment; a gap where they are too few."""
    try:
        found = _adapter().validate_json((lake / FILE).read_bytes())
    except OSError:
        return Gap(
            _SOURCE, "none_found", "the portfolio was not scored yet", "Run `customer-research portfolio score`."
        )
    except ValueError:  # of another version of the program
        return Gap(_SOURCE, "none_found", "the portfolio was scored by another version of the program")
    for likeness in LIKENESSES:
        own = figures.get(likeness)
        groups = (
            one for one in found.groups if isinstance(own, Fact) and (one.likeness, one.name) == (likeness, own.value)
        )
        for group in groups:
            if (peers := _peers(found, group)).middles:
                return peers
    return Gap(_SOURCE, "none_found", f"fewer than {ENOUGH - 1} operators are like this one")


def _peers(found: PeerGroups, group: PeerGroup) -> Peers:
    enough = [one for one in group.middles if one.operators >= ENOUGH and one.metric in METRICS]
    return Peers(
        group.likeness,
        {one.metric: Fact(one.value, METRICS[one.metric].unit, (found.receipt,), found.as_of) for one in enough},
        {one.metric: one.operators for one in enough},
    )
