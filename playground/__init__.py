"""A place to practise: a Slack and a Bitrise that speak the real wire protocols, and the real bot between them."""
