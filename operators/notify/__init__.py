"""Notifications: who hears of an alert hit, in which words, and that everybody hears it once."""
