"""Commands of the hot list and of BOLOs."""
