"""What the product does: one verb a file. Use cases decide with the domain and act through the ports."""
