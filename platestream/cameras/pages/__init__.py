"""Console pages of cameras and sensitive places."""
