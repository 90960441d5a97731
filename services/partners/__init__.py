"""Asking other agencies, and answering them: by an MOU in force, signed, judged by whoever is asked."""
