"""The page of the playground: practice Slack, practice Bitrise and the trouble between them, in a browser."""
