"""The channels by which messages leave: one module each behind one port (`channel.Channel`), none knows another."""
