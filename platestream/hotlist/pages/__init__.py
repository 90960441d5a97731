"""Console pages of the hot list."""
