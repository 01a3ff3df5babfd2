"""A long time in a short one: workspaces that build all day, while both sides misbehave."""
