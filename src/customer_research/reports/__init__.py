"""Data out, thought: the kinds of report, made of accounts; `documents` draws them."""
