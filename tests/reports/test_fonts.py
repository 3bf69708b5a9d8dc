"""What is read off the shipped fonts: the widths are those that another reader of fonts finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ImageFont

from customer_research.documents.fonts import measure

FOLDER = Path(measure.__file__).parent
FONTS = sorted(FOLDER.rglob("*.ttf"))
SAMPLES = 60


@pytest.mark.parametrize("file", FONTS, ids=lambda file: file.stem)
def test_widths_are_those_of_another_reader(file: Path) -> None:
    size = 1000
    family, _, weight = file.stem.rpartition("-")
    folder = next(name for name in (family, family.removeprefix("Noto")) if (FOLDER / name).is_dir())
    read = measure._widths(folder, weight)
    other = ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)
    sampled = sorted(read)[:: max(1, len(read) // SAMPLES)]
    assert len(sampled) >= min(SAMPLES, len(read))
    wrong = {hex(code): (read[code], other.getlength(chr(code))) for code in sampled
             if abs(read[code] * size - other.getlength(chr(code))) > 1}  # fmt: skip
    assert not wrong


def test_a_character_that_a_font_lacks_has_no_width_there() -> None:
    latin = measure._widths("Noto Sans", "Regular")
    assert ord("A") in latin
    assert ord("한") not in latin
    assert 0xFFFF not in latin
