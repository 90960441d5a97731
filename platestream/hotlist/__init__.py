"""Hot list: imports, entries, BOLOs and look-back."""
