"""Whose documents they are: the user's own colour, logo and account manager, as slides and PDF show them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from customer_research.errors import ConfigError

HOUSE_COLOR = "#1f4e79"
_SIGNS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Brand:
    """A look for documents.

    `color` (`#rrggbb`) writes titles and draws the first series; `logo` is a PNG or JPEG, empty without one; `manager` is who
    presents.
    """

    color: str = HOUSE_COLOR
    logo: bytes = b""
    manager: str = ""

    @property
    def presented(self) -> str:
        """Who presents, in words; empty where nobody is named."""
        return f"Presented by {self.manager}" if self.manager else ""


HOUSE = Brand()
"""The look without any settings."""


def brand_of(color: str, logo: Path | None, manager: str) -> Brand:
    """The look that the user's settings ask for: empty, or None, is the house's.

    Raises:
        ConfigError: the logo cannot be read, or is no picture that documents can show.
    """
    return Brand(color or HOUSE_COLOR, _logo(logo) if logo else b"", manager.strip())


def _logo(path: Path) -> bytes:
    hint = f"Give a PNG or JPEG of at most {_MOST_BYTES // 1000:,} kB."
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"The logo {path} cannot be read: {error.strerror}.", setting="brand.logo", hint=hint
        ) from None
    if not content.startswith(_SIGNS) or len(content) > _MOST_BYTES:
        raise ConfigError(f"The logo {path} is no PNG or JPEG, or too large.", setting="brand.logo", hint=hint)
    return content
