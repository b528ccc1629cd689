"""Find and prove the best site: bounds, the MILP, the search over sites, and the certificate.

The package works on arrays. Reading the tables and writing the results is done elsewhere.
"""
