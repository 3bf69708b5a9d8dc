"""Surfaces: parse, call Research, print."""
