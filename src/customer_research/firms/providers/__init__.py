"""The providers: one module each, none knows another."""
