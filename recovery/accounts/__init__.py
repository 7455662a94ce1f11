"""Who may do what, according to a recovery point: read, compared, approved, held back."""
