"""Parsers of other agencies' lists: layouts and code tables.

A parser takes lines and yields, for each, its number and its fields by name, or the reason why it was
refused. It uses no topic, clock or file.
"""
