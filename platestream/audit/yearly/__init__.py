"""The yearly audit (order, section K): a reproducible sample, findings, and a memorandum."""
