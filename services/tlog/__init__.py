"""The inquiry log in a standard form (docs/proof.md): published, proven, verified, and others' witnessed."""
