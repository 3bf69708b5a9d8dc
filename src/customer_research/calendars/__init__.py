"""Calendars: where meetings are entered, one module each behind the one port of `calendar`; none is ever written to.

Importing this package loads none of them; `opened.calendars` opens those that the settings name.
"""
