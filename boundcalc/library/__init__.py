"""The symbolic layer, loaded and validated: conditions and theorems from data/."""
