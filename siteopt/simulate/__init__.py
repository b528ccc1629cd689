"""A plan replayed, day by day and tenth of a second by tenth, by code that shares nothing with the optimizer."""
