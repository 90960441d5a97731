"""The database: numbered migrations, views, roles and grants, and what applies them."""
