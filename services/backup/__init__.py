"""Backup of what must be kept, and its way back into an empty system."""
