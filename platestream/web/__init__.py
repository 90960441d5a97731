"""Web console: pages rendered on the server for a browser. Each page calls a service and decides nothing
itself.
"""
