"""What a training costs and how good it is."""
