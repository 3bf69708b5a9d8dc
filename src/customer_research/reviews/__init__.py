"""Where reviews are read: one module each place. They reach the vendor through `connect` alone."""
