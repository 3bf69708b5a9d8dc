"""Text of slides: words with their look, how high they stand, and what of them fits.

Lengths are in points. Text is measured in the widest font that is likely (Noto Sans, bold), so that what fits here fits there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pptx.oxml.ns import qn
from pptx.util import Pt

from customer_research.documents.drawing.theme import LIGHT
from customer_research.documents.fonts.measure import em, shortened
from customer_research.documents.formats.slide_layouts import Box, rgb
from customer_research.domain.report import Tone

INSET = 7.2
"""What PowerPoint keeps free inside a text box at the left and right."""

LEADING = 1.24
GAP = 8.0
_HANG = 1.6
"""So many em its lines stand in after a lead."""

_CLOSE = 0.92
"""A text that is cut is filled up to this share of its room: a renderer's own font may be a little wider."""

_TONES = {**LIGHT.tones, "neutral": LIGHT.ink}


@dataclass(frozen=True, slots=True)
class Word:
    """A run of text with one look."""

    text: str
    tone: Tone = "neutral"
    bold: bool = False
    quiet: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `lead` (a number, a dash) stands before it, apart from its lines."""

    words: tuple[Word, ...]
    size: float = 20.0
    lead: str = ""

    @property
    def hang(self) -> float:
        """How far its lines stand in after the lead."""
        return _HANG * self.size if self.lead else 0.0

    def height(self, width: float) -> float:
        """How high it stands in a box of a width."""
        room = (width - 2 * INSET - self.hang) / self.size
        return lines(plain(self.words), room) * self.size * LEADING + GAP


Cell = tuple[Word, ...]


def plain(words: Iterable[Word]) -> str:
    """The words alone."""
    return "".join(word.text for word in words)


def lines(text: str, room: float) -> int:
    """How many lines a text takes in *room* em: words are put one after the other, too long ones are broken."""
    count, left = 1, room
    for word in text.split(" "):
        width = em(word) + em(" ")
        if width <= left:
            left -= width
        elif width <= room:
            count, left = count + 1, room - width
        else:
            rows = math.ceil(width / room)
            count, left = count + rows, room - (width - (rows - 1) * room)
    return count


def whole(texts: Sequence[Text], width: float) -> float:
    """How high paragraphs stand together."""
    return math.fsum(text.height(width) for text in texts)


def largest(texts: Sequence[Text], box: Box, sizes: Sequence[float]) -> list[Text]:
    """Paragraphs in the largest of the sizes in which all fit into a box; in the smallest what fits of them."""
    for size in sizes:
        found = [replace(text, size=size) for text in texts]
        if whole(found, box.width) <= box.height:
            return found
    return fitting([replace(text, size=sizes[-1]) for text in texts], box)


def fitting(texts: Sequence[Text], box: Box) -> list[Text]:
    """Paragraphs cut to what a box holds; the caller tells the rest in the notes."""
    found: list[Text] = []
    left = box.height
    for text in texts:
        height = text.height(box.width)
        if height > left:
            rows = int((left - GAP) / (text.size * LEADING))
            if rows > 0:
                room = (box.width - 2 * INSET - text.hang) / text.size * rows * _CLOSE
                found.append(replace(text, words=(replace(text.words[0], text=shortened(plain(text.words), room)),)))
            break
        found.append(text)
        left -= height
    return found


def lost(texts: Sequence[Text], shown: Sequence[Text]) -> list[str]:
    """What a slide does not show of paragraphs, in words."""
    told = {plain(text.words) for text in shown}
    return [words for text in texts if (words := plain(text.words)) not in told]


def put(frame: Any, texts: Sequence[Text]) -> None:
    """Write paragraphs into a text frame."""
    frame.word_wrap = True
    for number, text in enumerate(texts):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        lead = (Word(f"{text.lead}\t", quiet=True),) if text.lead else ()
        write(paragraph, (*lead, *text.words), text.size, hang=text.hang)


def write(paragraph: Any, words: Sequence[Word], size: float, *, own: bool = False, hang: float = 0.0) -> None:
    """Fill a paragraph; *own* leaves colour and weight to the template, *hang* is how far its lines stand in after a lead."""
    paragraph.space_after = Pt(0 if own else GAP * 0.75)
    _unbulleted(paragraph, hang)
    for word in words:
        if not word.text:
            continue
        run = paragraph.add_run()
        run.text = word.text
        run.font.size = Pt(size)
        if own:
            continue
        run.font.color.rgb = rgb(LIGHT.quiet if word.quiet else _TONES[word.tone])
        run.font.bold = word.bold
        run.font.italic = word.tone == "unknown"
        if word.link:
            run.hyperlink.address = word.link


def _unbulleted(paragraph: Any, hang: float) -> None:
    """Take off what a placeholder would put before a paragraph, and let its lines stand in."""
    about = paragraph._p.get_or_add_pPr()  # noqa: SLF001 - the library has no bullets
    about.set("marL", str(round(hang * 12_700)))
    about.set("indent", str(-round(hang * 12_700)))
    if about.find(qn("a:buNone")) is None:
        about.append(about.makeelement(qn("a:buNone"), {}))
