"""Help in choosing: what must come back and how fast, against what each strategy gives."""
