"""The limits and the peers: small servers that do less than Buildbell, or the same in another way."""
