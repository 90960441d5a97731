"""Commands about people, cameras, accounts and rules."""
