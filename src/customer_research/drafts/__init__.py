"""Drafts: a text that somebody wrote from our answers, and whether each of its numbers is supported by them.

`claims` reads what a text claims in numbers, `known` what an answer knows, `verdicts` holds one against the other. Nothing here
asks a source.
"""
