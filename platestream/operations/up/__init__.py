"""The complete live system on one machine: its processes, their accounts, and their supervisor."""
