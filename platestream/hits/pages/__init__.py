"""Console pages of alert hits."""
