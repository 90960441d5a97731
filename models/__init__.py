"""Training of the models, and the drawn samples that they learn from."""
