"""Console pages of other agencies."""
