"""Turn the record of a run into files, texts, tables, maps and charts, and read stored runs."""
