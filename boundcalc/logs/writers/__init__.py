"""One writer per format, for `boundcalc convert`."""
