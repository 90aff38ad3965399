"""Views of the change log, docs/feeds.md: `routes` lists them, and each has a module; all cut the log by `pages`."""
