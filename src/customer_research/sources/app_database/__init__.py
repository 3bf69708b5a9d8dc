"""The app's own database (a Postgres replica): trips, members and drivers as they are now; see README.md beside this file."""
