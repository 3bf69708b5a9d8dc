"""Where SQL runs: in memory, or in the warehouse through Metabase."""
