"""Against closed forms, published numbers and slow references."""
