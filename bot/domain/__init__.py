"""Pure rules about builds: states, causes, abort reasons, estimated durations, compare links."""
