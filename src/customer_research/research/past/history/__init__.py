"""Score history: computed for the past, told of one operator, and scored again as proof."""
