"""Channels to systems, one file for each: a function that opens the sender of a receiver."""
