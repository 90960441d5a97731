"""A soak: a whole system under twice a busy hour's load, its processes watched, and recounted at the end."""
