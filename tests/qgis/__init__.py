"""What siteopt writes for QGIS, opened in a real QGIS."""
