"""Tables, from the text of a file to numbers: reading, names, missing cells, notations, dates, leaks, columns."""
