"""TRUSTED. Claims about given functions: formulas, goals, exact algebra, ball arithmetic."""
