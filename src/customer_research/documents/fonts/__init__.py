"""The fonts that drawings and documents are set in, so that they look the same on every machine and miss no character.

All are files in this folder, each family in one of its own. Noto Sans sets Latin, Greek and Cyrillic; the others stand in for what it lacks: other scripts,
Chinese and Japanese (Droid Sans Fallback), Korean (Reports Hangul, a part of NanumGothic), symbols and emoji. They are from
Debian's packages fonts-noto-core, fonts-droid-fallback and fonts-nanum, and Noto Emoji from the package manimgx-fonts on PyPI, cut
down by fontTools (no hinting; of Math, Symbols2 and Hangul the ranges in use). Licences: LICENSE-OFL-1.1.txt for all but Droid
Sans Fallback, whose is LICENSE-Apache-2.0.txt.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where the folders of the families lie."""

NO_OTHERS = FOLDER / "no-others.conf"
"""A configuration of fontconfig that leads to no font of the machine."""

FAMILY = "Noto Sans"
"""The family that text is set in."""

_SCRIPTS = (
    "Thai Devanagari Armenian Georgian Bengali Ethiopic Gujarati Gurmukhi Kannada Khmer Lao Malayalam Myanmar Sinhala Tamil "
    "Telugu Math Symbols Symbols2"
)
FALLBACKS = (
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Droid Sans Fallback", "Reports Hangul"),
    *(f"Noto Sans {script}" for script in _SCRIPTS.split()),
    "Noto Emoji",
)
"""The families that stand in for characters that it lacks, in this order."""


def folder_of(family: str) -> Path:
    """Where the files of a family lie."""
    return FOLDER / family.replace(" ", "")
