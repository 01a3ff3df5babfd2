"""The Slack edge: what is drawn, what is read back from forms, and the calls that carry both."""
