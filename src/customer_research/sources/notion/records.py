"""The canonical table that Notion fills."""

from __future__ import annotations

from customer_research.domain.records import SourceRecords, tables

RECORDS = SourceRecords(
    source="notion",
    title="Notion",
    customer_title="Support tickets",
    place=3,
    tables=tables(
        "notion",
        """
        ticket [ticket_id] one row per ticket matched to the operator
            operator_id text @ the operator
            ticket_id text @ Notion page id
            number text @ DOOM-n
            title text @ title (untrusted)
            status text status option
            stage texts stages
            priority text Low, Medium, High or null
            types texts types
            tags texts tags
            due_date date @ due date
            is_open boolean @ status not Done, Archived, Not doing anymore, and no stage Deployed / Done
            is_done boolean @ status Done
            is_commitment boolean @ tag Enterprise and a due date
            matched_by text @ operator_id, tag, title, text, confirmed (by somebody here)
            is_certain boolean @ matched by operator_id or tag, or confirmed; probable matches never deduct
            created_at timestamp @ page creation
            edited_at timestamp @ last edit (minute precision)
            url text Notion page
            fetch_id text receipt
        """,
    ),
)

TABLES = RECORDS.tables
