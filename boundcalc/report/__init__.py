"""What a person or a script sees: terminal, JSON, figures."""
