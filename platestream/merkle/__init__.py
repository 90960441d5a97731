"""Transparency log with the hashes of RFC 6962 in the formats of C2SP: trees, proofs, tiles, signed notes."""
