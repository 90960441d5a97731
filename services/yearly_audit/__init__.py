"""The yearly audit (order, section K): a sample that anyone can draw again, findings, a memorandum."""
