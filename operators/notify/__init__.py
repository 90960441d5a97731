"""Notifications: routing of alert hits to receivers, their messages, and delivery once for each receiver."""
