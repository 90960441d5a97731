"""Documented searches of stored detections."""
