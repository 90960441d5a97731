"""Console pages about people, agencies, accounts and rules."""
