"""Notifications of alert hits: delivery to receivers, webhooks and mail."""
