"""Sync: every source's records of all operators into the lake.

```python
outcomes = run(settings, clock, sources=("lago",), progress=print)
```
"""

from customer_research.research.sync.all_sources import run

__all__ = ["run"]
