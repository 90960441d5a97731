"""The whole system live on one machine: its processes, their accounts, their supervisor."""
