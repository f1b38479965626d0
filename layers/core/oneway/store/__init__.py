"""DynamoDB: one table, practice-first keys (docs/adr/0001)."""
