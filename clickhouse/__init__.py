"""The database: numbered migrations, roles and grants, and what applies them."""
