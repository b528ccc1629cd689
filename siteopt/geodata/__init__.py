"""Read tables and layers, report their issues, and make an Instance of plain arrays from them."""
