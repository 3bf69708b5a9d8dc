"""Data in: streams and the one HTTP client that every source uses."""
