"""What we intended and what we saw, on disk."""
