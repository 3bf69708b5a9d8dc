"""Who is it: normalisers, the lookup directory and the ranked answer."""
