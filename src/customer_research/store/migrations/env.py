"""Alembic's entry: runs the migrations on the connection, and in the transaction, that `store.database` gives it."""

from __future__ import annotations

from alembic import context

from customer_research.store.database import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], version_table=VERSION_TABLE, transactional_ddl=True
)
context.run_migrations()
