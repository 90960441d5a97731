"""Street map of the agency's area, shown below search results."""
