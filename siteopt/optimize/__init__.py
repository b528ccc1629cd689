"""Find and prove the best site: bounds, the MILP, the search over sites, and the certificate.

The package works on arrays. ``siteopt.geodata`` reads the tables, and ``siteopt.output`` writes the results.
"""
