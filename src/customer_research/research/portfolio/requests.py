"""Which operators a list shows, and how everybody is scored: as it is asked for, and as the portfolio takes it."""

from __future__ import annotations

from typing import Literal

from customer_research.domain.health import Band, Status
from customer_research.domain.money import Money
from customer_research.domain.vocabularies import Segment
from customer_research.domain.words import counted, money_words
from customer_research.research import options
from customer_research.research.request import option, request


@request
class Selection:
    """Which operators a list shows, and how many of them; each part that is empty lets everybody through."""

    bands: tuple[Band, ...] = option("Only this band (repeatable).", (), flags=("--band",))
    statuses: tuple[Status, ...] = option("Only this status (repeatable).", (), flags=("--status",))
    segments: tuple[Segment, ...] = option("Only this segment (repeatable).", (), flags=("--segment",), any_case=True)
    findings: tuple[str, ...] = option(
        "Only where this finding holds (R1 to R25; repeatable).", (), flags=("--finding",)
    )
    owner: str = option("Only this account owner's (HubSpot); a part of the name will do.", "")
    min_mrr: float | None = option("Only an MRR of at least this many USD.", None, ge=0)
    search: str = option("Only names that contain this.", "")
    limit: int = options.limit()
    csv: bool = option("CSV of every operator chosen, for spreadsheets.", False)

    @property
    def most(self) -> int | None:
        """How many lines there may be; None: all, as in a CSV."""
        return None if self.csv or self.limit == 0 else self.limit

    @property
    def rules(self) -> tuple[str, ...]:
        """The findings asked for, as their rules are called."""
        return tuple(name.upper() for name in self.findings)

    @property
    def text(self) -> str:
        """What a name has to contain, without the blanks that nobody sees."""
        return " ".join(self.search.split())

    @property
    def least_minor(self) -> int | None:
        """The least MRR in USD cents; None: any."""
        return None if self.min_mrr is None else round(self.min_mrr * 100)

    def words(self, owners: tuple[str, ...], untold: int) -> str:
        """The choice in words; empty when everybody present is looked at.

        Args:
            owners: the names that `owner` means.
            untold: how many are left out only since their MRR is not known in USD.
        """
        bands = tuple(band.replace("_", " ") for band in self.bands)
        listed = {"band": bands, "status": self.statuses, "segment": self.segments, "finding": self.rules}
        parts = [f"{name} {' or '.join(given)}" for name, given in {**listed, "owner": owners}.items() if given]
        if self.least_minor is not None:
            unknown = f" (that of {counted(untold, 'operator')} is not known in USD)" if untold else ""
            parts.append(f"MRR of at least {money_words(Money('USD', self.least_minor))}{unknown}")
        return ", ".join((*parts, f"name with “{self.text}”") if self.text else parts)


@request
class Scoring:
    """As of when, by which scorecard and where everybody is scored; what is not said is as the settings say."""

    as_of: str | None = options.instant("A day (its midnight) or an instant, UTC; default: now.")
    scorecard: str | None = options.scorecard()
    engine: Literal["duckdb", "postgres", "spark", "snowflake"] | None = option(
        "Where it is computed; default: setting engine.name.", None
    )
    engine_url: str | None = option("Where that engine is (a setting keeps it out of the shell's history).", None)
