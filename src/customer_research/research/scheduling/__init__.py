"""Schedules: which times have come, that each is used once by whatever many processes, and what is done then."""
