"""Identity and authorization: the door, acts, people, accounts and the rules in force."""
