"""Tickets (Notion), and the pages that reports are exported to; see README.md beside this file."""
