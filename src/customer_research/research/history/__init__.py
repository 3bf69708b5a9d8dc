"""Score history: snapshots kept in the store, told of one operator, computed for the past, and scored again as proof."""

from customer_research.research.history.keeping import changes, keep

__all__ = ["changes", "keep"]
