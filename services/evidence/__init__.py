"""Evidence: held beyond the retention period, exported as a signed package, verified anywhere, purged."""
