"""Colours of charts, for light and dark screens and for paper: 4.5 : 1 against the background where they write, 3 : 1 where they draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from customer_research.domain.report import Tone


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a drawing, as `#rrggbb`.

    `ink` writes, `quiet` writes beside it, `grid` rules, `paper` lies behind; `tones` and `series` draw; `earlier` fills what is
    shown for comparison (the year before), inside an outline; `hatch` stands for the hatching of what is unknown.
    """

    name: str
    ink: str
    quiet: str
    grid: str
    paper: str
    tones: Mapping[Tone, str]
    series: tuple[str, ...]
    earlier: str
    hatch: str

    @property
    def colours(self) -> tuple[str, ...]:
        """All its colours in a fixed order: the same place in two themes is the same role."""
        return (
            self.ink,
            self.quiet,
            self.grid,
            self.paper,
            *self.tones.values(),
            *self.series,
            self.earlier,
            self.hatch,
        )


def _tones(good: str, watch: str, bad: str, neutral: str, unknown: str) -> Mapping[Tone, str]:
    return MappingProxyType({"good": good, "watch": watch, "bad": bad, "neutral": neutral, "unknown": unknown})


LIGHT = Theme(
    "light",
    ink="#1f2933",
    quiet="#52606d",
    grid="#d9dee4",
    paper="#ffffff",
    tones=_tones("#1a7f4b", "#946300", "#c0312b", "#2b6cb0", "#6b5b95"),
    series=("#2a6bb1", "#b4530a", "#0f766e", "#7c3aed"),
    earlier="#dbe7f5",
    hatch="#6b5b96",
)
"""For a light screen; also the colours that a page gives to its drawings before it turns dark."""

DARK = Theme(
    "dark",
    ink="#e6eaee",
    quiet="#a9b4bf",
    grid="#3a434d",
    paper="#14181d",
    tones=_tones("#4cc38a", "#e0b040", "#ff7b72", "#6cb2f5", "#b9a7e8"),
    series=("#6db3f4", "#f0975a", "#45c4b4", "#b794f6"),
    earlier="#26384d",
    hatch="#b8a6e7",
)
"""For a dark screen."""

PRINT = Theme(
    "print",
    ink="#111111",
    quiet="#444444",
    grid="#cccccc",
    paper="#fffffe",
    tones=_tones("#17703f", "#805500", "#a82420", "#225a94", "#5a4b85"),
    series=("#22598f", "#954306", "#0b5f58", "#6429c4"),
    earlier="#dde6f0",
    hatch="#5a4b84",
)
"""For paper: darker lines, since paper has no light of its own."""

THEMES: Mapping[str, Theme] = MappingProxyType({theme.name: theme for theme in (LIGHT, DARK, PRINT)})
"""The themes by name."""
