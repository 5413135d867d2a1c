"""What a user does, from nothing to a result, on toy worlds."""
