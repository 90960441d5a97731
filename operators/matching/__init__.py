"""What makes a read a hit: pure functions and small indexes, without an engine around them."""
