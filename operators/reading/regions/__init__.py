"""What plates of a region look like: issuers, their names, slogans and serial formats, one JSON file each.

An agency adds a region by adding a file; sources are named in the file itself.
"""
