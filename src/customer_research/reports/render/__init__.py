"""Renderers: functions of a report."""
