"""Vendors: one folder each, none knows another."""
