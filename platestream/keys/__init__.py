"""Hourly keys, which encrypt what cameras saw on topics, in spools and in recovery stores."""
