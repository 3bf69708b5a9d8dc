"""What would lift the score: what each thing that could be put right moves, by itself."""

from __future__ import annotations

from collections.abc import Iterator

from customer_research.domain.account import Account
from customer_research.domain.evidence import merge_basis
from customer_research.domain.health import HealthScore, Lever, standing_label
from customer_research.domain.report import Block, Cell
from customer_research.reports.blocks import grid, proven_prose, stated
from customer_research.reports.judgement import overall_basis
from customer_research.reports.tones import BAND_TONES


def levers(account: Account) -> Iterator[Block | None]:
    """What the score and its band would be were one thing put right and all else as it is: what lifts it most first.

    What lifts nothing alone, since another cap holds the score, is counted.
    """
    score = account.score
    if score is None or score.score is None or not score.levers:
        return
    basis = overall_basis(account, score)
    lifting = [one for one in score.levers if _lift(one, score) > (0, 0)]
    ranked = sorted(lifting, key=lambda one: _lift(one, score), reverse=True)
    rows = (
        (
            _sign(one, score),
            stated(_points(one), basis, account.as_of),
            stated(standing_label(one.band, score.status), basis, account.as_of, BAND_TONES[one.band]),
        )
        for one in ranked
    )
    yield grid("If this were put right | !Score | !Band", rows)
    still = len(score.levers) - len(lifting)
    if still:
        signs = f"{still} {'other ' if lifting else ''}sign{'' if still == 1 else 's'}"
        yield proven_prose(f"{signs} would lift nothing if put right alone.", basis, account.as_of)


def _lift(lever: Lever, score: HealthScore) -> tuple[int, int]:
    """By how much it lifts the least and the most that the score can be."""
    before, after = score.score or 0, lever.score or 0
    return after - before, (lever.highest or after) - (score.highest or before)


def _points(lever: Lever) -> str:
    return f"{lever.score}" if lever.highest is None else f"{lever.score} to {lever.highest}"


def _sign(lever: Lever, score: HealthScore) -> Cell:
    """What would not be so, in the words of what holds, resting on their figures."""
    gates = [gate for gate in score.gates if gate.name in lever.signs]
    lines = [line for line in score.contributions if line.rule in lever.signs]
    words = dict.fromkeys([*(gate.because for gate in gates), *(line.because for line in lines)])
    facts = [*(gate.fact for gate in gates), *(line.fact for line in lines)]
    return stated(" ".join(words), merge_basis(facts), max(fact.as_of for fact in facts), "bad")
