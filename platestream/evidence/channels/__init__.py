"""Channels to evidence systems, one file for each."""
