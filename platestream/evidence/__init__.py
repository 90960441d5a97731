"""Evidence: holds beyond the retention period, signed packages, their verification, and purges."""
