"""Descriptions of the plates of regions: issuers, names, slogans and serial formats, one JSON file each.

An agency adds a region by adding a file; sources are named in the file itself.
"""
