"""The canonical tables that Intercom fills."""

from __future__ import annotations

from customer_research.domain.records import SourceRecords, tables

RECORDS = SourceRecords(
    source="intercom",
    title="Intercom",
    customer_title="Support chat",
    place=5,
    optional=True,
    tables=tables(
        "intercom",
        """
        conversation [conversation_id] one row per support conversation matched to the operator
            operator_id text the operator
            conversation_id text Intercom id
            subject text title, else the subject of the first message (untrusted); never a body
            state text open, closed, snoozed
            is_open boolean open or snoozed
            priority text none, low, medium, high, urgent
            channel text how it was begun
            begun_by text contact, us; null: Intercom does not tell
            asked_at timestamp when a contact wrote first: at the beginning, or in answer to what we began; null: none has
            waiting_since timestamp since when the contact waits for an answer; null: nobody waits
            first_reply_at timestamp when a person of ours replied first; null too where an AI agent took part
            first_reply_s integer seconds from the contact's beginning to that reply as Intercom counts them: closed office hours left out
            median_reply_s integer median seconds to a reply, counted likewise
            first_close_at timestamp when it was closed first
            first_close_s integer seconds to that, counted likewise
            reopens integer how often it was opened again
            parts integer messages and events
            rating integer 1 to 5, by the contact
            rated_at timestamp when it was rated
            sla_status text hit, missed, cancelled, active
            ai_participated boolean an AI agent took part
            assignee text Intercom id of the person it is assigned to
            url text its page in Intercom
            matched_by text company, contact, confirmed (by somebody here)
            is_certain boolean matched by the company, or by contacts of this company alone, or confirmed; probable ones are never counted
            created_at timestamp begun
            updated_at timestamp last change
            company_since timestamp when the operator's company came to Intercom
            fetch_id text receipt
        chat_ticket [ticket_id] one row per Intercom ticket matched to the operator
            operator_id text the operator
            ticket_id text Intercom id, by which it is asked for
            number text the number that people see
            title text its title (untrusted); never its description or a message
            category text customer, back-office, tracker
            state text submitted, in_progress, waiting_on_customer, resolved: the category of its state; null: not told
            is_open boolean not closed
            conversation_ids texts Intercom ids of the conversations that it was made of or is linked with
            assignee text Intercom id of the person it is assigned to
            url text its page in Intercom
            matched_by text company (of a conversation that it is of), contact, confirmed (by somebody here)
            is_certain boolean by that company alone, or by contacts of this company alone, or confirmed; probable ones are never counted
            created_at timestamp created
            updated_at timestamp last change
            fetch_id text receipt
        """,
    ),
)

TABLES = RECORDS.tables
