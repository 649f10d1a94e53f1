"""One reader per format that holds the columns of a log as they are."""
