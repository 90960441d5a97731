"""Console pages of the inquiry log and of audits."""
