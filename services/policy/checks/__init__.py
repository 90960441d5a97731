"""What a machine can check of the order: functions from live data to a figure and faults."""
