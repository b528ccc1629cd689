"""Read tables and layers, report their faults, and make an Instance of plain arrays from them."""
