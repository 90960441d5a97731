"""SQL of a person, asked by hand as their own account."""
