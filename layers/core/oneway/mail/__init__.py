"""Messages: their templates, their MIME, and SES."""
