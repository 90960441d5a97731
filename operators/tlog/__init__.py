"""A transparency log as RFC 6962 hashes it and C2SP writes it: trees, proofs, tiles, signed notes."""
