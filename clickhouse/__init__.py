"""Database schema: numbered migrations, views, roles and grants, and the code that applies them."""
