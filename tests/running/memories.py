"""Memories of `Research` that outlive it: tests open hundreds, and planning the queries takes longer than a report."""

from __future__ import annotations

from customer_research.engines.duckdb import Memory
from customer_research.research.one import operators
from customer_research.research.one.dossier import MEMORY_TABLES
from customer_research.settings import Settings

prepared = operators._memory


class Memories:
    """The memories that nobody uses at the moment, by the scorecard and the playbook whose queries they have planned."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[Memory]] = {}

    def of(self, settings: Settings) -> Memory:
        """A memory with its planned queries and no rows; closing it gives it back."""
        idle = self._idle.setdefault((settings.scorecard, str(settings.playbook)), [])
        memory = idle.pop() if idle else prepared(settings)
        memory.close = lambda: self._take_back(idle, memory)  # type: ignore[method-assign]
        return memory

    def _take_back(self, idle: list[Memory], memory: Memory) -> None:
        for table in MEMORY_TABLES:
            memory.load(table, ())
        idle.append(memory)

    def end(self) -> None:
        """Close them all."""
        for idle in self._idle.values():
            for memory in idle:
                Memory.close(memory)
            idle.clear()
