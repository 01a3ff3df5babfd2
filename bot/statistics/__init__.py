"""Build statistics: queries, insights, scheduled reports, export."""
