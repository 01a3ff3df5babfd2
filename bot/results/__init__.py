"""Results of finished builds: failure analysis, log excerpts, artifacts, trends."""
