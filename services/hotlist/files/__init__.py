"""Other agencies' lists: layouts and code tables, read into fields by name.

A parser takes lines and yields, for each, its number and its fields or why it was refused; it knows no
topic, no clock and no file.
"""
