"""Backup of the records that must be retained, and its restore into an empty system."""
