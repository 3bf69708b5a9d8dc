"""The sandbox: a world of invented operators with a known truth, served over the vendors' own HTTP.

Nothing here imports the product's connectors, sources or metrics, and nothing of the product reads the world directly.
"""
