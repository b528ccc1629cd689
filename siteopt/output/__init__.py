"""Turn the record of a run into files, text, tables, maps and charts, and read these files again."""
