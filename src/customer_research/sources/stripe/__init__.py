"""Stripe itself: the card charges and disputes of operators' connected accounts, read only."""
