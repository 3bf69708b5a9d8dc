"""Metrics at many instants in one pass: every metric query, rewritten from one instant to a calendar of them.

What comes in at the door is the SQL that measures one date; what goes out gives the same cells with a column `t` beside them.
With an example: docs/guides/metrics-over-time.md.

    stages(instants)  the steps to `account_metrics` at every instant    lifting: any query, relation by relation
      windows         a grouped query over a large table                 by what enters and leaves, not by visits
        steps         a condition as T goes by                           from which instants on, how many times
        events        sums along an even calendar                        as recursive SQL
      ranking         the row that stands first                          by the times in front
      joins           queries that read one relation                     side by side
"""

from customer_research.metrics.over_time.lifting import CALENDAR, stages

__all__ = ["CALENDAR", "stages"]
