"""The published inquiry log in a standard form (docs/explanation/proof.md): publication, proofs, verification
and witnessing.
"""
