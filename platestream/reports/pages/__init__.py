"""Console pages of published figures and incidents."""
