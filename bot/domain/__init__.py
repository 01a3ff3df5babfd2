"""Pure rules about builds: states, causes, abort reasons, estimates, compare links."""
