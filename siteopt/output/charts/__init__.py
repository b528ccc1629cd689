"""Draw the charts of a report, and describe each in a caption."""
