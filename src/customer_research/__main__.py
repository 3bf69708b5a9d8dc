"""`python -m customer_research` is the command line."""

from customer_research.surfaces.cli import main

main()
