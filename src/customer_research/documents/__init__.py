"""Data out, drawn: a report as its reader may see it, in every format; knows the vocabulary only."""
