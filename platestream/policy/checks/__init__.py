"""Automatic checks of the order: functions from live data to a figure and faults."""
