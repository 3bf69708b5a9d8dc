"""The canonical tables that HubSpot fills, and what it keeps of their past."""

from __future__ import annotations

from customer_research.domain.records import SourceRecords, tables

RECORDS = SourceRecords(
    source="hubspot",
    title="HubSpot",
    customer_title="Company records",
    place=2,
    tables=tables(
        "hubspot",
        """
        company [company_id] one row per HubSpot company linked to the operator
            operator_id text @ the operator
            company_id text HubSpot id
            name text @ company name
            domain text @ web domain
            industry text industry
            city text @ city
            state text @ state
            country text @ country
            phone text * phone
            website text @ web site
            lifecycle_stage text never leaves customer after churn
            lead_status text lead status
            owner_id text HubSpot owner
            owner_name text owner's name
            customer_segment text display-only size label
            fleet_size text display-only fleet bucket
            contract_end_date date renewal precedence 1
            renewal_date date renewal precedence 2
            created_at timestamp @ HubSpot createdate
            last_contacted_at timestamp HubSpot notes_last_updated (last logged activity)
            linked_by text csm, property, search, confirmed: how the company was linked to the operator
            fetch_id text receipt
        contact [contact_id] one row per contact of the company
            operator_id text the operator
            contact_id text HubSpot id
            name text * full name
            email text * e-mail
            phone text * phone
            job_title text role
            is_primary boolean first associated contact
            has_left boolean marked as having left the operator
            created_at timestamp HubSpot createdate
            modified_at timestamp last change
            fetch_id text receipt
        deal [deal_id] one row per deal of the company
            operator_id text the operator
            deal_id text HubSpot id
            name text deal name
            pipeline text pipeline label or id
            stage text stage label or id
            deal_type text e.g. newbusiness, existingbusiness
            amount_minor integer deal amount; null when not set
            currency text ISO 4217
            is_open boolean neither won nor lost
            is_won boolean closed won, paid account or fully onboarded
            is_expansion boolean add-on pipeline or existing-business type
            close_date timestamp expected or real close
            closed_lost_reason text reason
            created_at timestamp HubSpot createdate
            fetch_id text receipt
        engagement [engagement_id] one row per note, e-mail, call or meeting
            operator_id text the operator
            engagement_id text HubSpot id
            type text note, email, call, meeting
            title text subject or title
            body text note text (untrusted)
            duration_seconds number calls only (HubSpot tells milliseconds)
            owner_id text who logged it
            occurred_at timestamp hs_timestamp
            created_at timestamp when logged
            mentions_cancellation boolean the text speaks of cancelling, leaving or switching
            mentions_champion_left boolean the text says that a contact has left
            fetch_id text receipt
        """,
    ),
    states={
        "company": "lifecycle_stage owner_id owner_name contract_end_date renewal_date last_contacted_at",
        "contact": "has_left",
        "deal": "pipeline stage deal_type amount_minor is_open is_won is_expansion close_date",
    },
)

TABLES = RECORDS.tables
