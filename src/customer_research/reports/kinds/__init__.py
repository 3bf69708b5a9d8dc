"""Report kinds: pure functions of an account."""
