"""The edge of the published log: its folder, what is kept of it in private, witnesses, time stamps, rows."""
