"""One operator: found, its records fetched, measured, judged, compared, explained."""
