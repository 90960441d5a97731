"""SQL statements that a person types, run as their own account."""
