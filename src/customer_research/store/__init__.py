"""The application's own state: score history and alerts, in SQLite or Postgres."""
