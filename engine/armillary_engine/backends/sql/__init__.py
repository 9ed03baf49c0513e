"""What the SQL stores share: the schema, its migrations, and every statement by name."""
