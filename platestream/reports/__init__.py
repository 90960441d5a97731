"""Reports that an agency publishes."""
