"""Bounds, the MILP, the search over sites, and the certificate. Knows arrays, and no files."""
