"""Tables and layers in, faults out, an Instance of plain arrays on."""
