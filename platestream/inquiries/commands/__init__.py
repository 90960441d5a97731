"""Commands that search stored detections."""
