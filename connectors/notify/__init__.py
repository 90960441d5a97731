"""The edge of notifications: what opens a connection to a receiver."""
