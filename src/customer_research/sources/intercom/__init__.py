"""Support chat (Intercom); see README.md beside this file."""
