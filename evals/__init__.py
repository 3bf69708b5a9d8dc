"""Evals: questions that people ask, each with the one call that answers it and what must and must not stand in the answer.

`python -m evals.run` (or `./dev evals`) asks them all; docs/guides/evals.md tells what is measured.
"""
