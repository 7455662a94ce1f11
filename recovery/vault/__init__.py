"""Where recovery points are kept, and what one is."""
