"""The inquiry log and the yearly audit."""
