"""A plan lived through: day by day, and a thousandth of a second after the other."""
