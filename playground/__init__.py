"""A practice Slack and a practice Bitrise that speak the real protocols, with the real bot between them."""
