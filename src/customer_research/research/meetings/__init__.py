"""Meetings with operators: calendars read and put together, listed, and told of beforehand."""
