"""A fourth kind of equipment with a requirement of its own, registered and then taken through all of siteopt."""
